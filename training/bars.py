"""Progress bars on standard error: of steps, and of folds with an estimate of what is left."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from training.jobs import Job


def new_progress(left: ProgressColumn | None = None) -> Progress:
    """Return bars that tell what is done, the time it took and the time left (by `left`, or else by their own pace)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        left or TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def follow(progress: Progress, name: str, steps: Iterator[Any], total: int | None) -> list[Any]:
    """Run the steps to their end under a bar; returns what they yielded."""
    task = progress.add_task(name, total=total)
    done = []
    for step in steps:
        done.append(step)
        progress.advance(task)
    progress.update(task, total=len(done), completed=len(done))
    return done


class FoldBars:
    """One bar per run of the trainer, and a status file where one is wanted."""

    def __init__(self, status: Path | None) -> None:
        # A bar's own pace would count the epochs from before an interruption as done in no time.
        self.progress = new_progress(TextColumn("{task.fields[left]}"))
        self._tasks: dict[str, TaskID] = {}
        self._status = status

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self.progress.console.print(line, markup=False, highlight=False)

    def report(self, jobs: "Sequence[Job]") -> None:
        """Move the bars to where the runs' progress files are."""
        for job in jobs:
            state = job.progress()
            if job.name not in self._tasks:
                self._tasks[job.name] = self.progress.add_task(job.name, total=None, left="")
            self.progress.update(
                self._tasks[job.name],
                completed=state.get("epoch", 0),
                total=state.get("epochs"),
                description=f"{job.name} Dice {state.get('dice', '')}",
                left=estimate(state),
            )
        if self._status is not None:
            from training.fitting import write_status

            write_status(self._status, jobs)


def estimate(state: dict[str, Any]) -> str:
    """Return the time that a run's progress says is left; empty before its first epoch has ended."""
    seconds = state.get("remaining_s")
    return "" if seconds is None else f"{datetime.timedelta(seconds=seconds)} left"
