"""A client of a gateway's studies for programs that wait for much at the same time (asyncio)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio

from sidewall.channel import TlsOptions
from sidewall.connection import AsyncConnection
from sidewall.studies import (
    Fetching,
    Study,
    StudyChange,
    StudyResults,
    credentials,
    list_request,
    to_change,
    to_study,
    translate_studies,
    watch_request,
)
from sidewall.v1 import studies_pb2, studies_pb2_grpc


class AsyncStudiesClient(AsyncConnection):
    """Connection to one gateway, of one event loop; use as an asynchronous context manager or call `close`."""

    def __init__(
        self, gateway: str, *, tls: TlsOptions | None = None, token: str | None = None, proxy: str | None = None
    ) -> None:
        """Do as `StudiesClient` does; to be made while the event loop runs."""
        super().__init__(gateway, tls, proxy)
        self._metadata = credentials(token)
        self._stub: Any = studies_pb2_grpc.StudiesStub(self._channel)  # type: ignore[arg-type]

    async def list(self, *, states: Sequence[str] = (), limit: int = 50, timeout_s: float = 30.0) -> tuple[Study, ...]:
        """Do as `StudiesClient.list`."""
        answer = await self._ask(self._stub.ListStudies, list_request(states, limit), timeout_s)
        return tuple(map(to_study, answer.studies))

    async def get(self, study: str, *, timeout_s: float = 30.0) -> Study:
        """Do as `StudiesClient.get`."""
        return to_study(await self._ask(self._stub.GetStudy, studies_pb2.StudyRequest(study=study), timeout_s))

    async def retry(self, study: str, *, timeout_s: float = 30.0) -> Study:
        """Do as `StudiesClient.retry`."""
        return to_study(await self._ask(self._stub.RetryStudy, studies_pb2.StudyRequest(study=study), timeout_s))

    async def cancel(self, study: str, *, timeout_s: float = 30.0) -> Study:
        """Do as `StudiesClient.cancel`."""
        return to_study(await self._ask(self._stub.CancelStudy, studies_pb2.StudyRequest(study=study), timeout_s))

    async def watch(
        self, study: str | None = None, *, after_entry: int | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[StudyChange]:
        """Do as `StudiesClient.watch`; cancelling the task ends the call."""
        call = self._stub.WatchStudies(watch_request(study, after_entry), timeout=timeout_s, metadata=self._metadata)
        try:
            async for message in call:
                yield to_change(message)
        except grpc.RpcError as error:
            raise translate_studies(error, self._peer) from None
        finally:
            call.cancel()

    async def fetch_results(self, study: str, *names: str, timeout_s: float = 120.0) -> StudyResults:
        """Do as `StudiesClient.fetch_results`."""
        request = studies_pb2.FetchResultsRequest(study=study, names=names)
        call = self._stub.FetchResults(request, timeout=timeout_s, metadata=self._metadata)
        fetching = Fetching()
        try:
            async for message in call:
                fetching.take(message)
        except grpc.RpcError as error:
            raise translate_studies(error, self._peer) from None
        finally:
            call.cancel()
        return fetching.results()

    async def _ask(self, method: Any, request: Any, timeout_s: float) -> Any:
        try:
            return await method(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise translate_studies(error, self._peer) from None
