"""The calls of `sidewall.v1.Studies`: each converts, asks the gateway's own parts, and converts back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final, TypeVar

import grpc
import structlog
from sidewall.v1 import studies_pb2, studies_pb2_grpc
from sqlalchemy.exc import SQLAlchemyError

from base.errors import ServerUnreachable, SettingInvalid, SidewallError, entry_of
from base.failed_calls import abort_call
from base.log import where
from gateway import acting, overview
from gateway.calls.callers import Gate
from gateway.calls.changes import changes_after, uid_of
from gateway.calls.messages import change_message, file_messages, head_message, study_message
from gateway.calls.results import begin_fetch
from gateway.errors import TooMany
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.limits import WINDOW_S
from gateway.site.parts import Permission
from gateway.site.permitting import Known
from gateway.spool import Spool

MAX_WATCHES: Final = 32
"""At the same time; each takes a thread."""

_USUAL_LIMIT: Final = 50
_MOST: Final = 1000
_LOOK_S: Final = 0.5
_NAME_CHARACTERS: Final = 64
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_STATUSES: Final = {
    SidewallError.code: grpc.StatusCode.INTERNAL,
    "setting_invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "not_known": grpc.StatusCode.UNAUTHENTICATED,
    "not_allowed": grpc.StatusCode.PERMISSION_DENIED,
    "no_such_study": grpc.StatusCode.NOT_FOUND,
    "no_results": grpc.StatusCode.NOT_FOUND,
    "wrong_state": grpc.StatusCode.FAILED_PRECONDITION,
    "too_many": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "server_unreachable": grpc.StatusCode.UNAVAILABLE,
}
"""Code -> status of the call, as the contract lists them."""

AnswerT = TypeVar("AnswerT")


class StudiesServicer(studies_pb2_grpc.StudiesServicer):
    """Answers from the ledger and the case folders."""

    def __init__(self, ledger: Ledger, spool: Spool, gate: Gate) -> None:
        self._ledger, self._spool, self._gate = ledger, spool, gate
        self._watches = threading.BoundedSemaphore(MAX_WATCHES)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End every watch."""
        self._stopping.set()

    def ListStudies(  # noqa: N802 - gRPC's name
        self, request: studies_pb2.ListStudiesRequest, context: grpc.ServicerContext
    ) -> studies_pb2.ListStudiesResponse:
        """Return the last studies."""

        def answer(_: Known) -> studies_pb2.ListStudiesResponse:
            states = tuple(_state(each) for each in request.states)
            limit = request.limit if request.HasField("limit") else _USUAL_LIMIT
            if not 1 <= limit <= _MOST:
                raise SettingInvalid("limit", limit, f"1 to {_MOST}")
            found = overview.listed(self._ledger, states, limit)
            head = asdict(self._ledger.head())
            return studies_pb2.ListStudiesResponse(studies=map(study_message, found), head=head_message(head))

        return self._answer(context, "query", answer)

    def GetStudy(  # noqa: N802 - gRPC's name
        self, request: studies_pb2.StudyRequest, context: grpc.ServicerContext
    ) -> studies_pb2.Study:
        """Return one study."""
        return self._answer(context, "query", lambda _: self._shown(request.study))

    def RetryStudy(  # noqa: N802 - gRPC's name
        self, request: studies_pb2.StudyRequest, context: grpc.ServicerContext
    ) -> studies_pb2.Study:
        """Have a study analysed again."""

        def answer(known: Known) -> studies_pb2.Study:
            return self._shown(str(acting.retry(self._ledger, _name(request.study), known.label).id))

        return self._answer(context, "act", answer)

    def CancelStudy(  # noqa: N802 - gRPC's name
        self, request: studies_pb2.StudyRequest, context: grpc.ServicerContext
    ) -> studies_pb2.Study:
        """End a study that has no answer yet."""

        def answer(known: Known) -> studies_pb2.Study:
            return self._shown(str(acting.cancel(self._ledger, _name(request.study), known.label).id))

        return self._answer(context, "act", answer)

    def WatchStudies(  # noqa: N802 - gRPC's name
        self, request: studies_pb2.WatchStudiesRequest, context: grpc.ServicerContext
    ) -> Iterator[studies_pb2.StudyChange]:
        """Yield changes as they are written down."""
        with _failures_told(context):
            known = self._gate.admit(context, "query")
            if not self._watches.acquire(blocking=False):
                raise TooMany(f"{MAX_WATCHES + 1} watches at the same time, by {known.label}; allowed: {MAX_WATCHES}")
            try:
                yield from self._changes(request, context)
            finally:
                self._watches.release()

    def FetchResults(  # noqa: N802 - gRPC's name
        self, request: studies_pb2.FetchResultsRequest, context: grpc.ServicerContext
    ) -> Iterator[studies_pb2.FetchResultsResponse]:
        """Yield a study and its files."""
        with _failures_told(context):
            known = self._gate.admit(context, "fetch")
            study, files = begin_fetch(self._ledger, self._spool, _name(request.study), request.names, known.label)
            _log.info("results fetched", study=study.id, caller=known.label, files=len(files))
            yield studies_pb2.FetchResultsResponse(study=self._shown(str(study.id)))
            for name, file in files.items():
                yield from file_messages(name, file)

    def _changes(
        self, request: studies_pb2.WatchStudiesRequest, context: grpc.ServicerContext
    ) -> Iterator[studies_pb2.StudyChange]:
        with self._ledger.read() as connection:
            uid = uid_of(connection, _name(request.study)) if request.HasField("study") else None
        after = 0 if uid is not None else self._ledger.head().seq
        after = request.after_entry if request.HasField("after_entry") else after
        while context.is_active():
            with self._ledger.read() as connection:
                found, after = changes_after(connection, after, uid)
            yield from map(change_message, found)
            if not found and self._stopping.wait(_LOOK_S):
                raise ServerUnreachable("the gateway stops; watch again after the last entry")

    def _shown(self, name: str) -> studies_pb2.Study:
        return study_message(overview.shown(self._ledger, _name(name)), asdict(self._ledger.head()))

    def _answer(
        self, context: grpc.ServicerContext, permission: Permission, answer: Callable[[Known], AnswerT]
    ) -> AnswerT:
        with _failures_told(context):
            return answer(self._gate.admit(context, permission))
        raise AssertionError("an aborted call does not come back")


@contextmanager
def _failures_told(context: grpc.ServicerContext) -> Iterator[None]:
    """End a call that fails with the status of its failure; the text of an unexpected one is not shown."""
    try:
        yield
    except SidewallError as error:
        _log.warning("call refused", code=error.code, what=str(error), peer=context.peer())
        _abort(context, error)
    except (SQLAlchemyError, OSError, ValueError, KeyError) as error:
        _log.error("unexpected error", error=type(error).__name__, where=where(error))
        _abort(context, SidewallError())


def _abort(context: grpc.ServicerContext, error: SidewallError) -> None:
    text = str(error) or "internal error; the gateway's log has more"
    retry_after_s = WINDOW_S if isinstance(error, TooMany) else None
    abort_call(context, entry_of(error, _STATUSES), error, text, retry_after_s=retry_after_s)


def _name(name: str) -> str:
    """Return the name of a study; raises `SettingInvalid` on one that none can have, without repeating it."""
    if not 0 < len(name) <= _NAME_CHARACTERS:
        raise SettingInvalid("study", f"{len(name)} characters", f"1 to {_NAME_CHARACTERS} characters")
    return name


def _state(word: str) -> StudyState:
    if word not in list(StudyState):
        raise SettingInvalid("states", word, ", ".join(StudyState))
    return StudyState(word)
