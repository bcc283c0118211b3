"""The calls that bring no case: what the server is, and results of cases that have ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import grpc
import structlog
from sidewall.convert import findings_to_message
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from base.errors import ServerBusy, SidewallError
from base.failed_calls import abort_call
from base.log import where
from core.findings_json import to_mapping
from runtime.analysis.worker import Worker
from runtime.errors import OffsetInvalid
from runtime.inference.model import LoadedModel
from runtime.serving.events import artefact_list, chunks
from runtime.serving.information import server_info
from runtime.serving.kept import KeptResults
from runtime.serving.pace import Pace
from runtime.serving.settings import ServerSettings
from runtime.serving.statuses import grpc_status

MAX_DOWNLOADS: Final = 4
"""At the same time; each takes a thread, however slowly it is read."""

DOWNLOAD_RETRY_S: Final = 5.0
"""When to ask again where too many are under way."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_Answer = TypeVar("_Answer")


class Asked(analysis_pb2_grpc.AnalysisServicer):
    """Answers what is asked beside the analyses."""

    def __init__(self, settings: ServerSettings, worker: Worker) -> None:
        self._settings, self._worker = settings, worker
        self._model: LoadedModel | None = None
        self._pace = Pace()
        self._kept = KeptResults(settings.result_kept_s)
        self._downloads = threading.BoundedSemaphore(MAX_DOWNLOADS)

    def GetServerInfo(  # noqa: N802 - gRPC's name
        self, request: analysis_pb2.GetServerInfoRequest, context: grpc.ServicerContext
    ) -> analysis_pb2.GetServerInfoResponse:
        """Say what this server is."""
        return _answered(context, self._info)

    def GetResult(  # noqa: N802 - gRPC's name
        self, request: analysis_pb2.GetResultRequest, context: grpc.ServicerContext
    ) -> analysis_pb2.GetResultResponse:
        """Return findings and list of files of a case that has ended."""

        def answer() -> analysis_pb2.GetResultResponse:
            result = self._kept.find(request.job_id, caller_names(context))
            return analysis_pb2.GetResultResponse(
                findings=findings_to_message(to_mapping(result.findings)),
                artefact_list=artefact_list(result.files, self._kept.kept_s, lambda _: False),
            )

        return _answered(context, answer)

    def DownloadArtefact(  # noqa: N802 - gRPC's name
        self, request: analysis_pb2.DownloadArtefactRequest, context: grpc.ServicerContext
    ) -> Iterator[analysis_pb2.DownloadArtefactResponse]:
        """Send one file of such a case from a byte on."""

        def answer() -> Iterator[analysis_pb2.ArtefactChunk]:
            file = self._kept.find(request.job_id, caller_names(context)).file(request.name)
            size = len(file.artefact.data)
            if request.offset > size:
                raise OffsetInvalid("offset", request.offset, f"0 to {size}, the size of the file")
            return chunks(file, request.offset)

        with _answering(context), self._place_for_download(), _read_in_time(context, self._settings.answer_timeout_s):
            for chunk in answer():
                yield analysis_pb2.DownloadArtefactResponse(chunk=chunk)

    def _info(self) -> analysis_pb2.GetServerInfoResponse:
        load = self._worker.state
        return server_info(self._settings, self._model, load, self._pace.after_s(load.waiting))

    @contextmanager
    def _place_for_download(self) -> Iterator[None]:
        if not self._downloads.acquire(blocking=False):
            raise ServerBusy(f"{MAX_DOWNLOADS} downloads under way; allowed: {MAX_DOWNLOADS}")
        try:
            yield
        finally:
            self._downloads.release()


def caller_names(context: grpc.ServicerContext) -> frozenset[bytes]:
    """Return the names in the certificate that a caller shows; empty without one."""
    shown: Any = context.auth_context()
    return frozenset(
        each for name in ("x509_common_name", "x509_subject_alternative_name") for each in shown.get(name, ())
    )


def _answered(context: grpc.ServicerContext, answer: Callable[[], _Answer]) -> _Answer:
    with _answering(context):
        return answer()


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """End the call with our status for whatever goes wrong: nothing unexpected may show its text to a caller."""
    failure: SidewallError | None = None
    try:
        yield
    except SidewallError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - the edge
        _log.error("unexpected error", error=type(error).__name__, where=where(error))
        failure = SidewallError()
    if failure is not None:
        retry_after_s = DOWNLOAD_RETRY_S if isinstance(failure, ServerBusy) else None
        text = str(failure) or "internal error"
        abort_call(context, grpc_status(failure), failure, text, retry_after_s=retry_after_s)


@contextmanager
def _read_in_time(context: grpc.ServicerContext, timeout_s: float) -> Iterator[None]:
    """End a call whose caller does not read: it holds a thread."""
    timer = threading.Timer(timeout_s, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
