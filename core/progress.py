"""How a running analysis tells where it is, and how it is told to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

STEPS: Final = ("wait", "read", "check", "prepare", "infer", "resample", "measure", "write")
"""The stages that have no parts, in the order in which a case goes through them."""

Tell = Callable[[str], None]
"""Takes one line for whoever asked, such as which series is taken, or that an engine is made and why."""


@dataclass(frozen=True)
class Progress:
    """One step of a running analysis."""

    stage: str
    """`wait`, `read`, `check`, `segment` and its parts `prepare`, `infer` and `resample`, `measure` or `write`;
    `earlier` while the images of an earlier study are analysed."""

    done: int
    total: int
    remaining_s: float | None = None
    """Estimate for the whole analysis; None before the first one can be made."""

    queue_place: int | None = None
    """Place among the cases that wait, 1 for the next one; None once it does not wait."""


class Monitor(Protocol):
    """Receives progress and stops the work when its caller has gone."""

    def report(self, progress: Progress) -> None:
        """Take note of progress; must return quickly."""
        ...

    def check(self) -> None:
        """Raise `AnalysisCancelled` when the work should stop; called between tiles and stages."""
        ...


class SilentMonitor:
    """Reports nothing and never stops the work."""

    def report(self, progress: Progress) -> None:
        """Ignore the progress."""

    def check(self) -> None:
        """Never stop the work."""


class EarlierMonitor:
    """Tells of the analysis of an earlier study's images as one stage of the case's, `earlier`."""

    def __init__(self, monitor: Monitor) -> None:
        """Hand on to the monitor of the case."""
        self._monitor = monitor

    def report(self, progress: Progress) -> None:
        """Hand on how far the longest part is."""
        if progress.stage == "infer" and progress.done < progress.total:
            self._monitor.report(Progress("earlier", progress.done, progress.total))

    def check(self) -> None:
        """Ask the other monitor."""
        self._monitor.check()
