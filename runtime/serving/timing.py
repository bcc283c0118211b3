"""How long the steps of an analysis take, read off its progress."""

import time
from typing import Protocol

from core.progress import STEPS, Monitor, Progress


class Durations(Protocol):
    """Takes note of durations."""

    def step_ended(self, step: str, duration_s: float) -> None:
        """Take the duration of one of `STEPS`."""
        ...

    def fold_ended(self, fold: int, duration_s: float) -> None:
        """Take the duration of the inference of a fold, counted from 0."""
        ...


class TimedMonitor:
    """A monitor that hands everything on to another and times the steps; one that breaks off leaves no duration."""

    def __init__(self, monitor: Monitor, durations: Durations, fold_count: int) -> None:
        """Hand on to `monitor` and tell `durations`; the tiles of `infer` belong to `fold_count` folds in turn."""
        self._monitor, self._durations, self._fold_count = monitor, durations, fold_count
        self._step: str | None = None
        self._started_s = self._fold_started_s = 0.0

    def check(self) -> None:
        """Ask the other monitor."""
        self._monitor.check()

    def report(self, progress: Progress) -> None:
        """Time the step, and hand the progress on."""
        now_s = time.perf_counter()
        if progress.stage in STEPS and progress.done == 0:
            self._end(now_s)
            self._step, self._started_s, self._fold_started_s = progress.stage, now_s, now_s
        elif progress.stage == "infer":
            self._tile_done(progress, now_s)
        if progress.done == progress.total:
            self._end(now_s)
        self._monitor.report(progress)

    def _end(self, now_s: float) -> None:
        """Close the open step: the next one has begun, or the stage that it is part of is over."""
        if self._step is not None:
            self._durations.step_ended(self._step, now_s - self._started_s)
            self._step = None

    def _tile_done(self, progress: Progress, now_s: float) -> None:
        tiles_per_fold = progress.total // self._fold_count
        if tiles_per_fold and progress.done % tiles_per_fold == 0:
            self._durations.fold_ended(progress.done // tiles_per_fold - 1, now_s - self._fold_started_s)
            self._fold_started_s = now_s
