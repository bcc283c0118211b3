"""One call: what it tells its caller on the way, and how it is stopped."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Final
from uuid import uuid4

from base.errors import ServerUnreachable, SidewallError
from core.errors import AnalysisCancelled
from core.progress import Monitor, Progress
from runtime.analysis.case import AnalysisSettings, CaseInput, CaseResult
from runtime.analysis.worker import Priority, Worker
from runtime.errors import AnswerNotRead
from runtime.inference.model import LoadedModel
from runtime.serving.kept import KeptFile
from runtime.serving.metrics import Metrics
from runtime.serving.pace import Pace
from runtime.serving.timing import TimedMonitor

SIGN_OF_LIFE_S: Final = 5.0
"""A caller hears something at least this often, also while its case waits or a fold takes long: the last progress
again. Proxies and firewalls on the way forget connections on which nothing moves.
"""


def prepare_analysis() -> None:
    """Import what writes results, which takes a second: a server does so while its model is being loaded."""
    for name in ("runtime.analysis.pipeline", "runtime.results.key_objects", "runtime.results.refusal_report"):
        import_module(name)


class Job:
    """Runs one case in a worker thread; is the `Monitor` of its analysis."""

    def __init__(self, metrics: Metrics, pace: Pace) -> None:
        self._metrics, self._pace = metrics, pace
        self.id = uuid4().hex
        """Names the call in the log and for the caller; random, says nothing about the patient."""

        self._lock = threading.Lock()
        self._future: Future[CaseResult] | None = None
        self.stopped: SidewallError | None = None
        """Why the work is to stop, or the answer not to be read any more."""

        self.is_handed_back = False
        """Whether the caller is told so without waiting for the work to end."""

        self.is_self_test = False
        """Whether nothing of the case is counted."""

        self.files: tuple[KeptFile, ...] = ()
        """Of the result, once there is one."""

        self._place: Callable[[], int | None] = lambda: None
        self._progress: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()

    def cancel(self) -> None:
        """Stop the work at its next check, since the caller has gone; callable from any thread, more than once.

        A case that still waits is not begun, and its place is free at once.
        """
        self._stop_for(AnalysisCancelled("the caller cancelled the call, or its deadline has passed"))

    def hand_back(self) -> None:
        """End the call at once, since the server ends, which its caller is told; the work stops at its next check."""
        reason = ServerUnreachable("the server is stopping and hands the case back: send it again")
        self.is_handed_back = self._stop_for(reason)

    def drop_answer(self) -> None:
        """Note that the caller does not read its result."""
        self._stop_for(AnswerNotRead("the caller did not read the result in time"))

    @property
    def is_queued(self) -> bool:
        """Whether the case has come in and waits, runs or is done."""
        return self._future is not None

    def check(self) -> None:
        """Raise `AnalysisCancelled` or `ServerUnreachable` when the work is to stop."""
        if self.stopped is not None:
            raise self.stopped

    def _stop_for(self, reason: SidewallError) -> bool:
        """Note why the work is to stop; returns whether that is the reason that counts."""
        with self._lock:
            # The first reason is the true one: whoever is handed back is gone soon.
            is_first = self.stopped is None
            self.stopped = self.stopped or reason
            future = self._future
        if future is not None:
            future.cancel()
        self._progress.put(None)
        return is_first

    def report(self, progress: Progress) -> None:
        """Hand progress over to the caller."""
        self._progress.put(progress)

    def start(
        self,
        worker: Worker,
        analyze: Callable[[Monitor], CaseResult],
        fold_count: int,
        give_back: Callable[[], None],
        priority: Priority = "routine",
    ) -> Future[CaseResult]:
        """Queue the analysis by its priority; `give_back` is called when it has ended or was left."""
        monitor = self if self.is_self_test else TimedMonitor(self, self._metrics, fold_count)
        monitor.report(Progress("wait", 0, 1))
        future = worker.submit(partial(self._run, analyze, monitor), priority)

        def ended(_: Future[CaseResult]) -> None:
            give_back()
            # None ends `progress`, however the analysis ended.
            self._progress.put(None)

        future.add_done_callback(ended)
        self._place = partial(worker.place_of, future)
        with self._lock:
            self._future = future
            is_stopped = self.stopped is not None
        if is_stopped:
            future.cancel()
        return future

    def progress(self) -> Iterator[Progress]:
        """Yield progress, and the last one again as a sign of life, until the analysis has ended or is to stop."""
        last: Progress | None = None
        while True:
            try:
                progress = self._progress.get(timeout=SIGN_OF_LIFE_S)
            except queue.Empty:
                progress = last
                if progress is None:
                    continue
            if progress is None:
                return
            last = progress
            yield self._with_place(progress)

    def _with_place(self, progress: Progress) -> Progress:
        """Return the progress of a case that waits with its place and an estimate, as they are now."""
        place = self._place() if (progress.stage, progress.done) == ("wait", 0) else None
        return (
            progress if place is None else replace(progress, queue_place=place, remaining_s=self._pace.after_s(place))
        )

    def _run(self, analyze: Callable[[Monitor], CaseResult], monitor: Monitor) -> CaseResult:
        monitor.check()
        monitor.report(Progress("wait", 1, 1))
        return self._pace.timed(analyze)(monitor)


def analysis_of(case: CaseInput, model: LoadedModel, settings: AnalysisSettings) -> Callable[[Monitor], CaseResult]:
    """Return what analyses a case, for `Job.start`."""

    def analyze(monitor: Monitor) -> CaseResult:
        # Imported by then: `prepare_analysis`.
        from runtime.analysis.pipeline import analyze_case

        return analyze_case(case, model, settings, monitor)

    return analyze
