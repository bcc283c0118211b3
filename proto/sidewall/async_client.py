"""A client of the Sidewall appliance for programs that wait for much at the same time (asyncio)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import grpc
import grpc.aio

from sidewall import errors
from sidewall.answer import Answer, OnProgress, Result, translate, translate_health
from sidewall.artefacts import Artefact
from sidewall.channel import HEALTH_CHECK, SERVING, TlsOptions
from sidewall.connection import AsyncConnection
from sidewall.ending import Ending
from sidewall.options import CaseOptions, Source
from sidewall.peer import Peer
from sidewall.results import Assembling, EndedCase, ServerInfo, to_ended_case, to_server_info
from sidewall.transfer import Geometry, OnLeftAside, SeriesUpload, StudyChoice, volume_requests
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc


class AsyncClient(AsyncConnection):
    """Connection to one server, of one event loop; use as an asynchronous context manager or call `close`."""

    def __init__(self, server: str, *, tls: TlsOptions | None = None, proxy: str | None = None) -> None:
        """Do as `Client` does; to be made while the event loop runs."""
        super().__init__(server, tls, proxy)
        self._stub: Any = analysis_pb2_grpc.AnalysisStub(self._channel)  # type: ignore[arg-type]

    async def is_serving(self, *, timeout_s: float = 5.0) -> bool:
        """Return whether the server answers and has its model loaded and checked (standard gRPC health)."""
        try:
            await self.require_serving(timeout_s=timeout_s)
        except errors.SidewallClientError:
            return False
        return True

    async def require_serving(self, *, timeout_s: float = 5.0) -> None:
        """Raise `ServerUnreachable` with the reason unless `is_serving`."""
        check: Any = self._channel.unary_unary(HEALTH_CHECK, request_serializer=bytes, response_deserializer=bytes)
        try:
            answer = await check(b"", timeout=timeout_s)
        except grpc.RpcError as error:
            raise translate_health(error, self._peer) from None
        if answer != SERVING:
            raise errors.ServerUnreachable(self._peer.explain_not_serving(), "server_unreachable")

    async def server_info(self, *, timeout_s: float = 5.0) -> ServerInfo:
        """Do as `Client.server_info`."""
        try:
            request = analysis_pb2.GetServerInfoRequest()
            return to_server_info(await self._stub.GetServerInfo(request, timeout=timeout_s))
        except grpc.RpcError as error:
            raise translate(error, self._peer, "") from None

    async def ended_case(self, job_id: str, *, timeout_s: float = 30.0) -> EndedCase:
        """Do as `Client.ended_case`."""
        try:
            request = analysis_pb2.GetResultRequest(job_id=job_id)
            return to_ended_case(await self._stub.GetResult(request, timeout=timeout_s))
        except grpc.RpcError as error:
            raise translate(error, self._peer, job_id) from None

    async def fetch_artefact(self, job_id: str, name: str, *, timeout_s: float = 120.0) -> Artefact:
        """Do as `Client.fetch_artefact`."""
        assembling = Assembling()
        while True:
            offset = assembling.offset
            request = analysis_pb2.DownloadArtefactRequest(job_id=job_id, name=name, offset=offset)
            try:
                async for message in self._stub.DownloadArtefact(request, timeout=timeout_s):
                    whole = assembling.take(message.chunk)
                    if whole is not None:
                        return whole
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or assembling.offset == offset:
                    raise translate(error, self._peer, job_id) from None
            else:
                raise errors.ServerFault(f"{name} ended before it was complete", "incomplete_answer")

    async def analyze_series(
        self,
        source: Source | Iterable[Source],
        *,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        on_left_aside: OnLeftAside | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Do as `Client.analyze_series`; files are read in a thread. Cancelling the task cancels the call."""
        upload = await asyncio.to_thread(SeriesUpload, source, options, on_left_aside)
        return await self._send(upload, on_progress, timeout_s)

    async def analyze_study(
        self,
        source: Source | Iterable[Source],
        *,
        series_uid: str | None = None,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        on_left_aside: OnLeftAside | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Do as `Client.analyze_study`; files are read in a thread. Cancelling the task cancels the call."""
        upload = await asyncio.to_thread(SeriesUpload, source, options, on_left_aside, StudyChoice(series_uid))
        return await self._send(upload, on_progress, timeout_s)

    async def _send(self, upload: SeriesUpload, on_progress: OnProgress | None, timeout_s: float | None) -> Result:
        call = self._stub.AnalyzeSeries(_in_thread(iter(upload)), timeout=timeout_s)
        try:
            return await _collect(call, on_progress, self._peer)
        except errors.SidewallClientError:
            if upload.failure is not None:
                raise upload.failure from None
            raise

    async def analyze_volume(
        self,
        voxels: bytes | memoryview,
        geometry: Geometry,
        *,
        options: CaseOptions = CaseOptions(),  # noqa: B008 - frozen
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Do as `Client.analyze_volume`. Cancelling the task cancels the call."""
        messages = _in_thread(volume_requests(voxels, geometry, options))
        return await _collect(self._stub.AnalyzeVolume(messages, timeout=timeout_s), on_progress, self._peer)


async def _in_thread(messages: Iterator[Any]) -> AsyncIterator[Any]:
    """Yield what an iterator yields that may have to wait for a disk."""
    while (message := await asyncio.to_thread(next, messages, None)) is not None:
        yield message


async def _collect(call: Any, on_progress: OnProgress | None, peer: Peer) -> Result:
    """Return the result of a running call; whatever ends this early cancels the call."""
    answer, ending = Answer(on_progress), Ending(call)
    try:
        async for event in call:
            answer.take(event)
    except grpc.RpcError as error:
        raise answer.refusal or translate(await ending.of(error), peer, answer.job_id) from None
    finally:
        call.cancel()
    return answer.result()
