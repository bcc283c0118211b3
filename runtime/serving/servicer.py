"""The two calls of the wire contract over the one pipeline."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final, Literal

import grpc
import structlog
from sidewall.v1 import analysis_pb2

from base.errors import ServerBusy, ServerUnreachable, SidewallError
from base.failed_calls import abort_call
from base.log import where
from base.system_errors import system_error
from core.errors import AnalysisCancelled, CaseRefused, Reason, RefusalCode
from core.findings import Findings
from core.progress import Monitor
from runtime.analysis.case import AnalysisSettings, CaseInput, CaseResult
from runtime.analysis.worker import Worker
from runtime.inference.model import LoadedModel
from runtime.serving.admission import Admission
from runtime.serving.answers import MAX_ANSWERS, Answers
from runtime.serving.asking import MAX_DOWNLOADS, Asked, caller_names
from runtime.serving.events import accepted_event, artefact_events, findings_event, progress_event, refusal_event
from runtime.serving.job import Job, analysis_of
from runtime.serving.kept import KeptFile
from runtime.serving.metrics import Metrics
from runtime.serving.settings import ServerSettings
from runtime.serving.statuses import grpc_status
from runtime.serving.transfers import Transfer, Transfers
from runtime.serving.uploads import UploadLimits, read_series_upload, read_volume_upload

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_GLANCE_S: Final = 0.2
"""How often a call that waits for its input looks whether it is to stop."""

_USUAL_RETRY_S: Final = 10.0
_LEAST_RETRY_S: Final = 1.0
_MOST_RETRY_S: Final = 600.0
"""When a caller that is turned away may come again: before any case has been timed, at least, and at most."""

_Events = Iterator[analysis_pb2.Event]


@dataclass(frozen=True)
class _Call:
    """One call as it came."""

    kind: Literal["series", "volume"]
    messages: Iterable[Any]
    read: Callable[[Iterable[Any], UploadLimits], CaseInput]
    context: grpc.ServicerContext


class Analyzer(Asked):
    """Answers calls once a model is given; until then they are turned away."""

    def __init__(self, settings: ServerSettings, metrics: Metrics, worker: Worker | None = None) -> None:
        """Prepare to answer; without a worker that other entries use as well it makes its own."""
        super().__init__(settings, worker or Worker())
        places = 1 + settings.max_waiting
        self.admission = Admission(places)
        self._transfers = Transfers(settings)
        self._answers = Answers(settings.answer_timeout_s)
        self.threads = places + settings.max_transfers + MAX_ANSWERS + MAX_DOWNLOADS
        """How many calls can be under way at the same time."""

        self._metrics = metrics
        metrics.admits(lambda: self.admission.taken, places)
        metrics.holds(
            lambda: self._transfers.open, lambda: self._transfers.held_bytes, lambda: self._answers.bytes_waiting
        )
        self._analysis_settings = AnalysisSettings.of(settings)
        self._limits = UploadLimits(settings.max_input_bytes, settings.max_instances)
        self._receivers = ThreadPoolExecutor(settings.max_transfers, thread_name_prefix="receive")
        self._worker.watch(metrics.works)
        self._jobs: set[Job] = set()
        self._jobs_changed = threading.Condition()

    def open(self, model: LoadedModel) -> None:
        """Answer calls with this model from now on."""
        self._model = model
        self._metrics.serves(model)

    def stop(self) -> None:
        """Admit nothing more, and give back at once what is still coming in."""
        self.admission.close()
        for job in tuple(self._jobs):
            if not job.is_queued:
                job.hand_back()

    def hand_back(self) -> None:
        """End every call as UNAVAILABLE: another server, or this one later, may take its case."""
        for job in tuple(self._jobs):
            job.hand_back()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Return whether no call is under way any more, at the latest after that time."""
        with self._jobs_changed:
            return self._jobs_changed.wait_for(lambda: not self._jobs, timeout_s)

    def close(self) -> None:
        """Let the threads go once their work is done."""
        self._receivers.shutdown(wait=False)
        self._worker.close()
        self._kept.close()

    def AnalyzeSeries(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterable[analysis_pb2.AnalyzeSeriesRequest], context: grpc.ServicerContext
    ) -> _Events:
        """Analyse one DICOM series."""
        return self._answer(_Call("series", request_iterator, read_series_upload, context))

    def AnalyzeVolume(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterable[analysis_pb2.AnalyzeVolumeRequest], context: grpc.ServicerContext
    ) -> _Events:
        """Analyse voxels with geometry."""
        return self._answer(_Call("volume", request_iterator, read_volume_upload, context))

    def _answer(self, call: _Call) -> _Events:
        """Yield the events of one call; every way it can end is logged, counted and given its status here alone."""
        job, started_s = Job(self._metrics, self._pace), time.perf_counter()
        ending: Findings | SidewallError | None = None
        self._enter(job)
        if not call.context.add_callback(job.cancel):
            job.cancel()
        try:
            ending = yield from self._events(job, call)
        except CaseRefused as error:
            ending = error
            yield refusal_event(error.reasons, error.result.findings if isinstance(error, _RefusedCase) else None)
        except SidewallError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - the edge: nothing unexpected may show its text to a caller
            ending = system_error(error, "the server") or SidewallError()
            _log.error("unexpected error", job=job.id, error=type(error).__name__, code=ending.code, where=where(error))
        finally:
            # A call whose caller has gone ends here, without one of the above.
            ending = ending or job.stopped or AnalysisCancelled()
            self._answers.read(job)
            self._note_end(job, ending, time.perf_counter() - started_s)
            self._leave(job)
        if isinstance(ending, SidewallError):
            # The reasons of a refusal are in its event, since trailers must be short.
            text = _public_text(ending) if isinstance(ending, CaseRefused) else str(ending)
            text = text or f"internal error; the log has it under job {job.id}"
            retry_after_s = self._retry_after_s() if isinstance(ending, ServerBusy) else None
            about = {"job": job.id, **_reasons(ending)}
            abort_call(call.context, grpc_status(ending), ending, text, about=about, retry_after_s=retry_after_s)

    def _retry_after_s(self) -> float:
        """Return when a place may be free again: once the case that runs has ended."""
        estimate_s = self._pace.after_s(0)
        return _USUAL_RETRY_S if estimate_s is None else min(max(estimate_s, _LEAST_RETRY_S), _MOST_RETRY_S)

    def _enter(self, job: Job) -> None:
        with self._jobs_changed:
            self._jobs.add(job)

    def _leave(self, job: Job) -> None:
        with self._jobs_changed:
            self._jobs.discard(job)
            self._jobs_changed.notify_all()

    def _note_end(self, job: Job, ending: Findings | SidewallError, duration_s: float) -> None:
        # What was found is the caller's alone.
        outcome = "answered" if isinstance(ending, Findings) else _public_text(ending)
        _log.info("call ended", job=job.id, outcome=outcome, duration_s=round(duration_s, 3))
        counted = ending.result.findings if isinstance(ending, _RefusedCase) else ending
        # A fault that a self-test meets is the box's, and is counted.
        if not (job.is_self_test and isinstance(counted, Findings | CaseRefused)):
            self._metrics.call_ended(counted, duration_s)

    def _events(self, job: Job, call: _Call) -> Generator[analysis_pb2.Event, None, Findings]:
        """Yield the events of a call; returns its findings, raises when there are none."""
        model = self._model
        if model is None:
            raise ServerUnreachable("the server is still loading its model")
        self.admission.require_room()
        with self._transfers.begin(self._metrics.counted(call.kind)) as transfer:
            try:
                yield accepted_event(job.id)
                case = self._receive(job, call, transfer)
                job.is_self_test = case.about.is_self_test
                give_back = self.admission.take()
            except BaseException:
                transfer.forget()
                raise

        def end_work() -> None:
            transfer.forget()
            give_back()

        analyze = self._holding_answer(job, call.context, analysis_of(case, model, self._analysis_settings))
        future = job.start(self._worker, analyze, model.fold_count, end_work, case.about.priority)
        wanted = case.about.wanted
        del case, analyze
        try:
            yield from map(progress_event, job.progress())
            job.check()
        finally:
            # "Ended" means that nothing of it runs any more, but for callers who are waiting to hear it.
            if not future.done():
                job.cancel()
            if not job.is_handed_back:
                wait([future])
        result = future.result()
        for lost in result.lost:
            _log.error("file not written", job=job.id, file=lost.name, error=lost.error, where=list(lost.where))
            self._metrics.file_lost(lost.kind)
        if result.findings.status == "refused":
            yield from artefact_events(job.files, self._kept.kept_s, wanted)
            raise _RefusedCase(result)
        yield findings_event(result.findings)
        yield from artefact_events(job.files, self._kept.kept_s, wanted)
        return result.findings

    def _holding_answer(
        self, job: Job, context: grpc.ServicerContext, analyze: Callable[[Monitor], CaseResult]
    ) -> Callable[[Monitor], CaseResult]:
        """Return the analysis, whose result then waits for its reader within the bounds of `Answers`, and is kept."""
        owner = caller_names(context)

        def drop() -> None:
            job.drop_answer()
            context.cancel()  # type: ignore[no-untyped-call]

        def analyze_and_hold(monitor: Monitor) -> CaseResult:
            result = analyze(monitor)
            job.files = tuple(map(KeptFile.of, result.artefacts))
            self._kept.keep(job.id, result.findings, job.files, owner)
            self._answers.hold(job, sum(len(each.data) for each in result.artefacts), drop)
            return result

        return analyze_and_hold

    def _receive(self, job: Job, call: _Call, transfer: Transfer) -> CaseInput:
        """Return the case once it has come in; in a thread of its own, since gRPC waits for messages without limit."""
        future = self._receivers.submit(call.read, transfer.read(call.messages), self._limits)
        try:
            while not wait([future], timeout=_GLANCE_S).done:
                job.check()
                transfer.check()
            return future.result()
        except (CaseRefused, ServerBusy):
            # A transfer that its caller broke off looks incomplete; that is not the reason.
            job.check()
            raise
        except grpc.RpcError:
            # gRPC may tell the thread that reads before it tells the job.
            job.cancel()
            raise AnalysisCancelled from None


class _RefusedCase(CaseRefused):
    """A refusal by the pipeline, with the findings and files that say so."""

    def __init__(self, result: CaseResult) -> None:
        self.result = result
        super().__init__(Reason(RefusalCode(reason.code), reason.message) for reason in result.findings.refusal)


def _reasons(error: SidewallError) -> dict[str, str]:
    """Return the codes of a refusal for programs; nothing for any other error."""
    if not isinstance(error, CaseRefused):
        return {}
    return {"reasons": ",".join(dict.fromkeys(str(reason.code) for reason in error.reasons))}


def _public_text(error: SidewallError) -> str:
    """Return the error's words without its texts: short enough for a status, and free of data for the log."""
    if isinstance(error, CaseRefused):
        return f"{error.code}: {', '.join(dict.fromkeys(str(reason.code) for reason in error.reasons))}"
    return error.code
