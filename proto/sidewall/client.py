"""A client of the Sidewall appliance that blocks until the answer is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc

from sidewall import errors
from sidewall.answer import Answer, OnProgress, Result, translate, translate_health
from sidewall.artefacts import Artefact
from sidewall.channel import HEALTH_CHECK, SERVING, TlsOptions
from sidewall.connection import Connection
from sidewall.options import CaseOptions, Source
from sidewall.peer import Peer
from sidewall.results import Assembling, EndedCase, ServerInfo, to_ended_case, to_server_info
from sidewall.transfer import Geometry, OnLeftAside, SeriesUpload, StudyChoice, volume_requests
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc


class Client(Connection):
    """Connection to one server; use as a context manager or call `close`. Safe to share between threads."""

    def __init__(self, server: str, *, tls: TlsOptions | None = None, proxy: str | None = None) -> None:
        """Connect to `server` (host:port); without `tls` the connection is not encrypted.

        `proxy` (http://[user:password@]host:port) names the HTTP proxy to go through. Without it there is none,
        whatever `http_proxy` in the environment says: that is for downloads, and a patient's images are none.
        Raises `ValueError` when `server` or `proxy` has another form, `OSError` when a TLS file cannot be read.
        """
        super().__init__(server, tls, proxy)
        self._stub = analysis_pb2_grpc.AnalysisStub(self._channel)

    def is_serving(self, *, timeout_s: float = 5.0) -> bool:
        """Return whether the server answers and has its model loaded and checked (standard gRPC health)."""
        try:
            self.require_serving(timeout_s=timeout_s)
        except errors.SidewallClientError:
            return False
        return True

    def require_serving(self, *, timeout_s: float = 5.0) -> None:
        """Raise `ServerUnreachable` with the reason unless `is_serving`."""
        check = self._channel.unary_unary(HEALTH_CHECK, request_serializer=bytes, response_deserializer=bytes)
        try:
            answer = check(b"", timeout=timeout_s)
        except grpc.RpcError as error:
            raise translate_health(error, self._peer) from None
        if answer != SERVING:
            raise errors.ServerUnreachable(self._peer.explain_not_serving(), "server_unreachable")

    def server_info(self, *, timeout_s: float = 5.0) -> ServerInfo:
        """Return what the server is and how much it has to do; `ServerUnreachable` from a server older than this."""
        try:
            return to_server_info(self._stub.GetServerInfo(analysis_pb2.GetServerInfoRequest(), timeout=timeout_s))
        except grpc.RpcError as error:
            raise translate(error, self._peer, "") from None

    def ended_case(self, job_id: str, *, timeout_s: float = 30.0) -> EndedCase:
        """Return findings and list of files of a case once more; raises `NotFound` once the server has forgotten it."""
        try:
            return to_ended_case(self._stub.GetResult(analysis_pb2.GetResultRequest(job_id=job_id), timeout=timeout_s))
        except grpc.RpcError as error:
            raise translate(error, self._peer, job_id) from None

    def fetch_artefact(self, job_id: str, name: str, *, timeout_s: float = 120.0) -> Artefact:
        """Return one file of a case that has ended; a connection that breaks is made anew, and the file goes on.

        Raises `NotFound` once the server has forgotten the case, `ServerUnreachable` where nothing comes any more.
        """
        assembling = Assembling()
        while True:
            offset = assembling.offset
            request = analysis_pb2.DownloadArtefactRequest(job_id=job_id, name=name, offset=offset)
            try:
                for message in self._stub.DownloadArtefact(request, timeout=timeout_s):
                    whole = assembling.take(message.chunk)
                    if whole is not None:
                        return whole
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or assembling.offset == offset:
                    raise translate(error, self._peer, job_id) from None
            else:
                raise errors.ServerFault(f"{name} ended before it was complete", "incomplete_answer")

    def analyze_series(
        self,
        source: Source | Iterable[Source],
        *,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        on_left_aside: OnLeftAside | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Send one DICOM series (a directory, a zip file, files, or instances as bytes) and wait for its result.

        What is not sent of a folder or zip file is counted in the findings, and told to `on_left_aside` by name.
        Raises `Refused` with every reason, another `SidewallClientError`, or `OSError` when a file cannot be read.
        """
        return self._send(SeriesUpload(source, options, on_left_aside), on_progress, timeout_s)

    def analyze_study(
        self,
        source: Source | Iterable[Source],
        *,
        series_uid: str | None = None,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        on_left_aside: OnLeftAside | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Send a whole DICOM study, of which the server analyses one series: the named one, or the one that fits best.

        The findings name it. Otherwise as `analyze_series`; a server older than this call refuses several series.
        """
        upload = SeriesUpload(source, options, on_left_aside, StudyChoice(series_uid))
        return self._send(upload, on_progress, timeout_s)

    def _send(self, upload: SeriesUpload, on_progress: OnProgress | None, timeout_s: float | None) -> Result:
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
    answer = Answer(on_progress)
    try:
        for event in call:
            answer.take(event)
    except grpc.RpcError as error:
        raise answer.refusal or translate(error, peer, answer.job_id) from None
    finally:
        call.cancel()
    return answer.result()
