"""The two calls of the wire contract over the one pipeline."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, NoReturn

import grpc
import structlog
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from runtime.case import AnalysisSettings, CaseInput, CaseResult
from runtime.core.errors import AnalysisCancelled, CaseRefused, Reason, RefusalCode, ServerUnreachable, SidewallError
from runtime.core.findings import Findings
from runtime.inference.model import LoadedModel
from runtime.serving.admission import Admission
from runtime.serving.events import accepted_event, artefact_events, findings_event, progress_event, refusal_event
from runtime.serving.job import Job
from runtime.serving.log import where
from runtime.serving.metrics import Metrics
from runtime.serving.uploads import UploadLimits, read_series_upload, read_volume_upload
from runtime.settings import Settings

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_GLANCE_S: Final = 0.2
"""How often a call that waits for its input looks whether it is to stop."""

_Events = Iterator[analysis_pb2.Event]


class Analyzer(analysis_pb2_grpc.AnalysisServicer):
    """Answers calls once a model is given; until then they are turned away."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        places = 1 + settings.max_waiting
        self.admission = Admission(places)
        self._metrics = metrics
        metrics.admits(lambda: self.admission.taken, places)
        self._model: LoadedModel | None = None
        self._analysis_settings = AnalysisSettings.of(settings)
        self._limits = UploadLimits(settings.max_input_bytes, settings.max_instances)
        self._transfer_timeout_s = settings.transfer_timeout_s
        self._receivers = ThreadPoolExecutor(places, thread_name_prefix="receive")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="analyze")
        self._jobs: set[Job] = set()

    def open(self, model: LoadedModel) -> None:
        """Answer calls with this model from now on."""
        self._model = model
        self._metrics.serves(model)

    def hand_back(self) -> None:
        """End every admitted call as UNAVAILABLE at its next check: another server, or this one later, may take it."""
        for job in tuple(self._jobs):
            job.hand_back()

    def close(self) -> None:
        """Let the threads go once their work is done."""
        self._receivers.shutdown(wait=False)
        self._worker.shutdown(wait=False)

    def AnalyzeSeries(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterable[analysis_pb2.AnalyzeSeriesRequest], context: grpc.ServicerContext
    ) -> _Events:
        """Analyse one DICOM series."""
        messages = self._metrics.counted("series", request_iterator)
        return self._answer(lambda: read_series_upload(messages, self._limits), context)

    def AnalyzeVolume(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterable[analysis_pb2.AnalyzeVolumeRequest], context: grpc.ServicerContext
    ) -> _Events:
        """Analyse voxels with geometry."""
        messages = self._metrics.counted("volume", request_iterator)
        return self._answer(lambda: read_volume_upload(messages, self._limits), context)

    def _answer(self, receive: Callable[[], CaseInput], context: grpc.ServicerContext) -> _Events:
        """Yield the events of one call; every way it can end is logged, counted and given its status here alone."""
        job, started_s = Job(self._metrics), time.perf_counter()
        if not context.add_callback(job.cancel):
            job.cancel()
        ending: Findings | SidewallError = AnalysisCancelled()
        self._jobs.add(job)
        try:
            with self.admission.admit():
                ending = yield from self._events(job, receive)
        except SidewallError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - the edge: nothing unexpected may show its text to a caller
            ending = SidewallError()
            _log.error("unexpected error", job=job.id, error=type(error).__name__, where=where(error))
        finally:
            job.cancel()
            self._jobs.discard(job)
            self._note_end(job, ending, time.perf_counter() - started_s)
        if isinstance(ending, _RefusedCase):
            yield from artefact_events(ending.result.artefacts)
            yield refusal_event(ending.reasons, ending.result.findings)
        elif isinstance(ending, CaseRefused):
            yield refusal_event(ending.reasons)
        if isinstance(ending, SidewallError):
            _abort(context, ending, job)

    def _note_end(self, job: Job, ending: Findings | SidewallError, duration_s: float) -> None:
        outcome = ending.status if isinstance(ending, Findings) else _public_text(ending)
        _log.info("call ended", job=job.id, outcome=outcome, duration_s=round(duration_s, 3))
        self._metrics.call_ended(ending.result.findings if isinstance(ending, _RefusedCase) else ending, duration_s)

    def _events(self, job: Job, receive: Callable[[], CaseInput]) -> Generator[analysis_pb2.Event, None, Findings]:
        """Yield the events of an admitted call; returns its findings, raises when there are none."""
        model = self._model
        if model is None:
            raise ServerUnreachable("the server is still loading its model")
        yield accepted_event(job.id)
        future = job.start(self._worker, self._receive(job, receive), model, self._analysis_settings)
        try:
            yield from map(progress_event, job.progress())
        finally:
            # When the caller has gone, the place is given back only after the work has really ended.
            job.cancel()
            wait([future])
        result = future.result()
        if result.findings.status == "refused":
            raise _RefusedCase(result)
        yield findings_event(result.findings)
        yield from artefact_events(result.artefacts)
        return result.findings

    def _receive(self, job: Job, receive: Callable[[], CaseInput]) -> CaseInput:
        """Return the case once it has come in; in a thread of its own, since gRPC waits for messages without limit."""
        future = self._receivers.submit(receive)
        deadline_s = time.monotonic() + self._transfer_timeout_s
        try:
            while not wait([future], timeout=min(_GLANCE_S, max(deadline_s - time.monotonic(), 0.0))).done:
                job.check()
                if time.monotonic() >= deadline_s:
                    message = f"the input was not complete after {self._transfer_timeout_s:g} s"
                    raise CaseRefused([Reason(RefusalCode.INCOMPLETE_TRANSFER, message)])
            case = future.result()
        except (CaseRefused, grpc.RpcError):
            # A transfer that its caller broke off looks incomplete; that is not the reason.
            job.check()
            raise
        job.check()
        return case


class _RefusedCase(CaseRefused):
    """A refusal by the pipeline, with the findings and files that say so."""

    def __init__(self, result: CaseResult) -> None:
        self.result = result
        super().__init__(Reason(RefusalCode(reason.code), reason.message) for reason in result.findings.refusal)


def _public_text(error: SidewallError) -> str:
    """Return the error's words without its texts: short enough for a status, and free of data for the log."""
    if isinstance(error, CaseRefused):
        return f"{error.code}: {', '.join(dict.fromkeys(str(reason.code) for reason in error.reasons))}"
    return error.code


def _abort(context: grpc.ServicerContext, error: SidewallError, job: Job) -> NoReturn:
    """End the call with the error's status; the reasons of a refusal are in its event, since trailers must be short."""
    text = _public_text(error) if isinstance(error, CaseRefused) else str(error)
    context.set_trailing_metadata((("sidewall-code", error.code),))
    context.abort(grpc.StatusCode[error.grpc_status], text or f"internal error; the log has it under job {job.id}")
    raise AssertionError("abort always raises")
