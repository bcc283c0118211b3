"""Progress on standard error: bars of steps, and of runs with an estimate of what is left; in a log, lines."""

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
    """One bar per run of the trainer, and a status file where one is wanted; in a log a line per epoch instead."""

    def __init__(self, status: Path | None, parallel: int = 1, console: Console | None = None) -> None:
        console = console or Console(stderr=True, soft_wrap=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[where]}"),
            TimeElapsedColumn(),
        )
        self.progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._status, self._parallel = status, parallel
        self._epochs: dict[str, int] = {}
        self._estimated = False

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self.progress.console.print(line, markup=False, highlight=False)

    def report(self, jobs: "Sequence[Job]") -> None:
        """Move the bars to where the runs are, and tell what has happened since."""
        states = [(job, job.progress(), job.pace()) for job in jobs]
        for job, done, pace in states:
            self._move(job, done, pace)
            self._tell_epoch(job.name, done)
        if not self._estimated:
            self._tell_estimate({job.name: pace for job, _, pace in states if not job.final_checkpoint.is_file()})
        if self._status is not None:
            from training.fitting import write_status

            write_status(self._status, jobs)

    def _move(self, job: "Job", done: dict[str, Any], pace: dict[str, Any] | None) -> None:
        over = job.final_checkpoint.is_file()
        if job.name not in self._tasks:
            self._tasks[job.name] = self.progress.add_task(job.name, total=1, start=False, where="")
        task = self._tasks[job.name]
        if pace is not None or over:
            self.progress.start_task(task)
        where = "done" if over else where_of(done, pace)
        self.progress.update(task, completed=1 if over else share_of(done, pace), where=where)
        if over:
            self.progress.stop_task(task)

    def _tell_epoch(self, name: str, done: dict[str, Any]) -> None:
        """In a log, tell of every epoch that ended while this command runs."""
        epoch = done.get("epoch", 0)
        before = self._epochs.setdefault(name, epoch)
        if epoch != before and not self.progress.console.is_terminal:
            self.say(f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S} {epoch_line(name, done)}")
        self._epochs[name] = epoch

    def _tell_estimate(self, waiting: dict[str, dict[str, Any] | None]) -> None:
        """Tell once what the whole takes, as soon as a run has measured a step."""
        measured = next((name for name, pace in waiting.items() if pace and pace["remaining_s"] is not None), None)
        if measured is None:
            return
        self._estimated = True
        pace = waiting[measured] or {}
        run_s = pace["remaining_s"]
        known = [(each or {}).get("remaining_s") for each in waiting.values()]
        all_s = sum(run_s if left is None else left for left in known) / min(self._parallel, len(known))
        step = "" if pace["step_s"] is None else f"{pace['step_s']:g} s a step, "
        together = f"; {len(known)} runs, {self._parallel} at a time: about {_clock(all_s)}" if len(known) > 1 else ""
        self.say(f"{measured}: {step}about {_clock(run_s)} left{together}")


def where_of(done: dict[str, Any], pace: dict[str, Any] | None) -> str:
    """Return where a run is, from what it wrote after its last epoch and within the one under way."""
    if pace is None:
        return "waits" if not done else f"waits, at epoch {done['epoch']} of {done['epochs']}"
    if not pace:
        return "starts"
    dice = f", Dice {' '.join('-' if each is None else f'{each:.2f}' for each in done['dice'])}" if done else ""
    left = estimate(pace)
    step = f"epoch {pace['epoch'] + 1} of {pace['epochs']}, step {pace['step']} of {pace['steps_per_epoch']}"
    return f"{step}{dice}{f', {left}' if left else ''}"


def share_of(done: dict[str, Any], pace: dict[str, Any] | None) -> float:
    """Return the share of a run that lies behind it, 0 to 1; within an epoch, too."""
    whole: float = done["epoch"] / done["epochs"] if done else 0.0
    if not pace:
        return whole
    under_way: float = (pace["epoch"] + pace["step"] / pace["steps_per_epoch"]) / pace["epochs"]
    return max(whole, under_way)


def epoch_line(name: str, done: dict[str, Any]) -> str:
    """Return one line of what a run's last epoch came to."""
    dice = " ".join("-" if each is None else f"{each:.3f}" for each in done["dice"])
    losses = f"loss {done['train_loss']}, validation {done['validation_loss']}"
    epoch = f"{name}: epoch {done['epoch']} of {done['epochs']}"
    return f"{epoch}, {losses}, Dice {dice}, {done['epoch_s']} s, {estimate(done)}"


def estimate(state: dict[str, Any]) -> str:
    """Return the time that a run says is left; empty before it has measured a step."""
    seconds = state.get("remaining_s")
    return "" if seconds is None else f"{_clock(seconds)} left"


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
