"""What comes back of a call, whichever client made it: the events gathered, and gRPC's errors in our words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from sidewall import errors
from sidewall.artefacts import Artefact
from sidewall.case_folder import save_case
from sidewall.convert import findings_to_dict
from sidewall.details import take_details
from sidewall.peer import Peer
from sidewall.results import Assembling, ListedFile, to_files
from sidewall.v1 import analysis_pb2


@dataclass(frozen=True)
class Progress:
    """Where a running analysis is."""

    stage: str
    done: int
    total: int
    estimate_s: float | None
    """Estimated seconds to the end of the whole analysis, with those that go before it while it waits."""

    queue_place: int | None = None
    """Place among the cases that wait, 1 for the next one; None once it does not wait, and from an older server."""


@dataclass(frozen=True)
class Result:
    """What the server found."""

    job_id: str
    findings: dict[str, Any]
    """In the form of findings.json."""

    artefacts: tuple[Artefact, ...]
    files: tuple[ListedFile, ...] = ()
    """All files of the case, with those that were not wanted; empty from an older server."""

    def save(self, folder: Path) -> None:
        """Write every artefact below `folder`; raises `ValueError` when a name would lead out of it."""
        save_case(self.artefacts, folder)


OnProgress = Callable[[Progress], None]


class Answer:
    """What has come of an answer so far."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self.job_id = ""
        """Empty until the server has taken the case."""
        self._findings: dict[str, Any] | None = None
        self._artefacts: list[Artefact] = []
        self._files: tuple[ListedFile, ...] = ()
        self._pending = Assembling()
        self.refusal: errors.Refused | None = None

    def take(self, event: analysis_pb2.Event) -> None:
        """Take note of one event; kinds of a newer contract are passed over."""
        kind = event.WhichOneof("kind")
        if kind == "accepted":
            self.job_id = event.accepted.job_id
        elif kind == "progress" and self._on_progress is not None:
            self._on_progress(_progress(event.progress))
        elif kind == "findings":
            self._findings = findings_to_dict(event.findings)
        elif kind == "artefact":
            self._take_chunk(event.artefact)
        elif kind == "artefact_list":
            self._files = to_files(event.artefact_list)
        elif kind == "refusal":
            self.refusal = _refusal(event.refusal, tuple(self._artefacts))

    def result(self) -> Result:
        """Return the whole answer; raises `ServerFault` when it ended too early."""
        if self.refusal is not None:
            raise self.refusal
        if self._findings is None or self._pending.is_begun:
            raise errors.ServerFault("the answer ended before it was complete", "incomplete_answer")
        return Result(self.job_id, self._findings, tuple(self._artefacts), self._files)

    def _take_chunk(self, chunk: analysis_pb2.ArtefactChunk) -> None:
        whole = self._pending.take(chunk)
        if whole is not None:
            self._artefacts.append(whole)


def _progress(message: analysis_pb2.Progress) -> Progress:
    estimate_s = message.estimate_s if message.HasField("estimate_s") else None
    place = message.queue_place if message.HasField("queue_place") else None
    return Progress(message.stage, message.done, message.total, estimate_s, place)


def _refusal(message: analysis_pb2.Refusal, artefacts: tuple[Artefact, ...]) -> errors.Refused:
    reasons = tuple(errors.RefusalReason(reason.code, reason.message) for reason in message.reasons)
    findings = findings_to_dict(message.findings) if message.HasField("findings") else None
    return errors.Refused(reasons, findings, artefacts)


_ERRORS: dict[grpc.StatusCode, tuple[type[errors.SidewallClientError], str]] = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: (errors.ServerBusy, "server_busy"),
    grpc.StatusCode.UNAVAILABLE: (errors.ServerUnreachable, "server_unreachable"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (errors.DeadlineExceeded, "deadline_exceeded"),
    grpc.StatusCode.NOT_FOUND: (errors.NotFound, "no_results"),
    grpc.StatusCode.CANCELLED: (errors.Cancelled, "cancelled"),
    # Whatever answered, it was no Sidewall server, or not one that has this call.
    grpc.StatusCode.UNIMPLEMENTED: (errors.ServerUnreachable, "server_unreachable"),
}


_KINDS: Final[dict[str, type[errors.SidewallClientError]]] = {
    "setting_invalid": errors.OptionInvalid,
    "offset_invalid": errors.OptionInvalid,
}
"""By our word, where a gRPC status stands for several."""

_TOO_LARGE = re.compile(r"larger than max \((\d+) vs\. (\d+)\)")
"""gRPC's own words about a message that it does not take, with its size and the largest allowed, bytes."""


def translate(error: Any, peer: Peer, job_id: str) -> errors.SidewallClientError:
    """Return our error for a gRPC status, in the server's words where they are the server's."""
    status = error.code()
    sizes = _TOO_LARGE.search(error.details() or "")
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and sizes is not None:
        reason = f"one message of {sizes[1]} bytes; gRPC at the other end takes {sizes[2]}"
        return errors.Refused((errors.RefusalReason("too_large", reason),), None)
    kind, code = _ERRORS.get(status, (errors.ServerFault, "internal_error"))
    named = dict(_metadata(error)).get("sidewall-code")
    kind = _KINDS.get(named or "", kind)
    said = error.details() or status.name
    if named is None:
        said = _in_plain_words(status, said, peer, job_id)
    failure = kind(said, named or code)
    failure.job_id = job_id
    return take_details(failure, error)


def translate_health(error: Any, peer: Peer) -> errors.ServerUnreachable:
    """Return why a call of the health service got no answer: it does no work that could have been stopped."""
    late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    said = peer.explain_silence() if late else str(translate(error, peer, ""))
    return errors.ServerUnreachable(said, "server_unreachable")


def _in_plain_words(status: grpc.StatusCode, details: str, peer: Peer, job_id: str) -> str:
    """Return what a text of gRPC's own means to the caller."""
    if status is grpc.StatusCode.UNAVAILABLE:
        return peer.explain_break(job_id) if job_id else peer.explain_unreachable(details)
    if status is grpc.StatusCode.UNIMPLEMENTED:
        return peer.explain_unknown_call()
    if status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return peer.explain_deadline()
    return details if status in _ERRORS else peer.explain_fault(status.name, details)


def _metadata(error: Any) -> Iterator[tuple[str, str]]:
    yield from ((entry[0], entry[1]) for entry in error.trailing_metadata() or ())
