"""One admitted call: what it tells its caller on the way, and how the caller stops it."""

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from uuid import uuid4

from runtime.case import AnalysisSettings, CaseInput, CaseResult
from runtime.core.errors import AnalysisCancelled, ServerUnreachable, SidewallError
from runtime.core.progress import Monitor, Progress
from runtime.inference.model import LoadedModel
from runtime.serving.metrics import Metrics
from runtime.serving.timing import TimedMonitor


def prepare_analysis() -> None:
    """Import what writes results, which takes a second: a server does so while its model is being loaded."""
    import_module("runtime.pipeline")


class Job:
    """Runs one case in a worker thread; is the `Monitor` of its analysis."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.id = uuid4().hex
        """Names the call in the log and for the caller; random, says nothing about the patient."""

        self._lock = threading.Lock()
        self._stop: SidewallError | None = None
        self._progress: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()

    def cancel(self) -> None:
        """Stop the work at its next check, since the caller has gone; callable from any thread, more than once."""
        self._stop_for(AnalysisCancelled("the caller cancelled the call, or its deadline has passed"))

    def hand_back(self) -> None:
        """Stop the work at its next check, since the server ends, which its caller is told."""
        self._stop_for(ServerUnreachable("the server is stopping and hands the case back: send it again"))

    def check(self) -> None:
        """Raise `AnalysisCancelled` or `ServerUnreachable` when the work is to stop."""
        if self._stop is not None:
            raise self._stop

    def _stop_for(self, reason: SidewallError) -> None:
        with self._lock:
            # The first reason is the true one: whoever is handed back is gone soon.
            self._stop = self._stop or reason

    def report(self, progress: Progress) -> None:
        """Hand progress over to the caller."""
        self._progress.put(progress)

    def start(
        self, worker: ThreadPoolExecutor, case: CaseInput, model: LoadedModel, settings: AnalysisSettings
    ) -> Future[CaseResult]:
        """Queue the analysis behind the ones that came before."""
        monitor = TimedMonitor(self, self._metrics, model.fold_count)
        monitor.report(Progress("wait", 0, 1))
        self._metrics.case_waits()
        future = worker.submit(self._run, case, model, settings, monitor)
        # None ends `progress`, however the analysis ended.
        future.add_done_callback(lambda _: self._progress.put(None))
        return future

    def progress(self) -> Iterator[Progress]:
        """Yield progress until the analysis has ended."""
        while (progress := self._progress.get()) is not None:
            yield progress

    def _run(self, case: CaseInput, model: LoadedModel, settings: AnalysisSettings, monitor: Monitor) -> CaseResult:
        with self._metrics.case_runs():
            monitor.check()
            monitor.report(Progress("wait", 1, 1))
            # Imported by then: `prepare_analysis`.
            from runtime.pipeline import analyze_case

            return analyze_case(case, model, settings, monitor)
