"""A client of the Sidewall appliance that blocks until the answer is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc

from sidewall import errors
from sidewall.artefacts import Artefact
from sidewall.case_folder import save_case
from sidewall.convert import findings_to_dict
from sidewall.peer import Peer, proxy_options
from sidewall.transfer import CaseOptions, Geometry, SeriesUpload, Source, volume_requests
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", 16 << 20),
    # A server that vanished without closing the connection is noticed within a minute, also while nothing is sent;
    # servers before 0.2 end connections that are pinged more often than every 20 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.http2.max_pings_without_data", 0),
)
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"
"""A grpc.health.v1.HealthCheckResponse with status SERVING: spares a dependency for two bytes."""


@dataclass(frozen=True)
class TlsOptions:
    """Encryption of the connection; all files PEM."""

    ca_file: Path | None = None
    """Who may sign the server's certificate; None takes the certificates that come with gRPC."""

    certificate_file: Path | None = None
    """The client's own certificate, for servers that ask for one; needs `key_file`."""

    key_file: Path | None = None

    def to_credentials(self) -> grpc.ChannelCredentials:
        """Read the files; raises `OSError` when one cannot be read."""
        ca, key, certificate = (
            path.read_bytes() if path else None for path in (self.ca_file, self.key_file, self.certificate_file)
        )
        return grpc.ssl_channel_credentials(ca, key, certificate)


@dataclass(frozen=True)
class Progress:
    """Where a running analysis is."""

    stage: str
    done: int
    total: int
    estimate_s: float | None
    """Estimated seconds to the end of the whole analysis."""


@dataclass(frozen=True)
class Result:
    """What the server found."""

    job_id: str
    findings: dict[str, Any]
    """In the form of findings.json."""

    artefacts: tuple[Artefact, ...]

    def save(self, folder: Path) -> None:
        """Write every artefact below `folder`; raises `ValueError` when a name would lead out of it."""
        save_case(self.artefacts, folder)


OnProgress = Callable[[Progress], None]


class Client:
    """Connection to one server; use as a context manager or call `close`. Safe to share between threads."""

    def __init__(self, server: str, *, tls: TlsOptions | None = None, proxy: str | None = None) -> None:
        """Connect to `server` (host:port); without `tls` the connection is not encrypted.

        `proxy` (http://[user:password@]host:port) names the HTTP proxy to go through. Without it there is none,
        whatever `http_proxy` in the environment says: that is for downloads, and a patient's images are none.
        Raises `ValueError` when `server` or `proxy` has another form, `OSError` when a TLS file cannot be read.
        """
        self._peer = Peer(server, tls is not None, proxy)
        options = (*_CHANNEL_OPTIONS, *proxy_options(proxy))
        if tls is None:
            self._channel = grpc.insecure_channel(server, options=options)
        else:
            self._channel = grpc.secure_channel(server, tls.to_credentials(), options=options)
        self._stub = analysis_pb2_grpc.AnalysisStub(self._channel)

    def __enter__(self) -> Client:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; running calls are cancelled."""
        self._channel.close()

    def is_serving(self, *, timeout_s: float = 5.0) -> bool:
        """Return whether the server answers and has its model loaded and checked (standard gRPC health)."""
        try:
            self.require_serving(timeout_s=timeout_s)
        except errors.SidewallClientError:
            return False
        return True

    def require_serving(self, *, timeout_s: float = 5.0) -> None:
        """Raise `ServerUnreachable` with the reason unless `is_serving`."""
        check = self._channel.unary_unary(_HEALTH_CHECK, request_serializer=bytes, response_deserializer=bytes)
        try:
            answer = check(b"", timeout=timeout_s)
        except grpc.RpcError as error:
            raise _translate_health(error, self._peer) from None
        if answer != _SERVING:
            raise errors.ServerUnreachable(self._peer.explain_not_serving(), "server_unreachable")

    def analyze_series(
        self,
        source: Source | Iterable[Source],
        *,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Send one DICOM series (a directory, a zip file, files, or instances as bytes) and wait for its result.

        Raises `Refused` with every reason, another `SidewallClientError`, or `OSError` when a file cannot be read.
        """
        upload = SeriesUpload(source, options)
        call = self._stub.AnalyzeSeries(iter(upload), timeout=timeout_s)
        try:
            return _collect(call, on_progress, self._peer)
        except errors.SidewallClientError:
            if upload.failure is not None:
                raise upload.failure from None
            raise

    def analyze_volume(
        self,
        voxels: bytes | memoryview,
        geometry: Geometry,
        *,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Send voxels (z, y, x) in C order with their geometry and wait for the result; no DICOM comes back.

        Raises `Refused` with every reason or another `SidewallClientError`.
        """
        call = self._stub.AnalyzeVolume(volume_requests(voxels, geometry, options), timeout=timeout_s)
        return _collect(call, on_progress, self._peer)


def _collect(call: Any, on_progress: OnProgress | None, peer: Peer) -> Result:
    """Return the result of a running call; whatever ends this early cancels the call."""
    answer = _Answer(on_progress)
    try:
        for event in call:
            answer.take(event)
    except grpc.RpcError as error:
        raise answer.refusal or _translate(error, peer, answer.job_id) from None
    finally:
        call.cancel()
    return answer.result()


class _Answer:
    """What has come of an answer so far."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self.job_id = ""
        """Empty until the server has taken the case."""
        self._findings: dict[str, Any] | None = None
        self._artefacts: list[Artefact] = []
        self._pending = bytearray()
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
        elif kind == "refusal":
            self.refusal = _refusal(event.refusal, tuple(self._artefacts))

    def result(self) -> Result:
        """Return the whole answer; raises `ServerFault` when it ended too early."""
        if self.refusal is not None:
            raise self.refusal
        if self._findings is None or self._pending:
            raise errors.ServerFault("the answer ended before it was complete", "incomplete_answer")
        return Result(self.job_id, self._findings, tuple(self._artefacts))

    def _take_chunk(self, chunk: analysis_pb2.ArtefactChunk) -> None:
        self._pending += chunk.data
        if chunk.last:
            self._artefacts.append(Artefact(chunk.name, chunk.media_type, bytes(self._pending)))
            self._pending.clear()


def _progress(message: analysis_pb2.Progress) -> Progress:
    estimate_s = message.estimate_s if message.HasField("estimate_s") else None
    return Progress(message.stage, message.done, message.total, estimate_s)


def _refusal(message: analysis_pb2.Refusal, artefacts: tuple[Artefact, ...]) -> errors.Refused:
    reasons = tuple(errors.RefusalReason(reason.code, reason.message) for reason in message.reasons)
    findings = findings_to_dict(message.findings) if message.HasField("findings") else None
    return errors.Refused(reasons, findings, artefacts)


_ERRORS: dict[grpc.StatusCode, tuple[type[errors.SidewallClientError], str]] = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: (errors.ServerBusy, "server_busy"),
    grpc.StatusCode.UNAVAILABLE: (errors.ServerUnreachable, "server_unreachable"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (errors.DeadlineExceeded, "deadline_exceeded"),
    grpc.StatusCode.CANCELLED: (errors.Cancelled, "cancelled"),
    # Whatever answered, it was no Sidewall server, or not one that has this call.
    grpc.StatusCode.UNIMPLEMENTED: (errors.ServerUnreachable, "server_unreachable"),
}


_TOO_LARGE = re.compile(r"larger than max \((\d+) vs\. (\d+)\)")
"""gRPC's own words about a message that it does not take, with its size and the largest allowed, bytes."""


def _translate(error: Any, peer: Peer, job_id: str) -> errors.SidewallClientError:
    """Return our error for a gRPC status, in the server's words where they are the server's."""
    status = error.code()
    sizes = _TOO_LARGE.search(error.details() or "")
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and sizes is not None:
        reason = f"one message of {sizes[1]} bytes; gRPC at the other end takes {sizes[2]}"
        return errors.Refused((errors.RefusalReason("too_large", reason),), None)
    kind, code = _ERRORS.get(status, (errors.ServerFault, "internal_error"))
    named = dict(_metadata(error)).get("sidewall-code")
    said = error.details() or status.name
    if named is None:
        said = _in_plain_words(status, said, peer, job_id)
    return kind(said, named or code)


def _translate_health(error: Any, peer: Peer) -> errors.ServerUnreachable:
    """Return why a call of the health service got no answer: it does no work that could have been stopped."""
    late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    said = peer.explain_silence() if late else str(_translate(error, peer, ""))
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
