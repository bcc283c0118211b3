"""A client of a gateway's studies that blocks until the answer is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import grpc

from sidewall.channel import TlsOptions
from sidewall.connection import Connection
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


class StudiesClient(Connection):
    """Connection to one gateway; use as a context manager or call `close`. Safe to share between threads.

    A study is named by its Study Instance UID, its Accession Number, or the gateway's number. Every call may raise
    `NotAllowed`, `NotFound`, `WrongState`, `ServerBusy` (more calls than one caller may make), or another
    `SidewallClientError`.
    """

    def __init__(
        self, gateway: str, *, tls: TlsOptions | None = None, token: str | None = None, proxy: str | None = None
    ) -> None:
        """Connect to `gateway` (host:port of its `studies_listen`); without `tls` the connection is not encrypted.

        `token` is what the gateway's site file knows this caller by, unless that is the certificate of `tls`. Otherwise
        as `Client`.
        """
        super().__init__(gateway, tls, proxy)
        self._metadata = credentials(token)
        self._stub = studies_pb2_grpc.StudiesStub(self._channel)

    def list(self, *, states: Sequence[str] = (), limit: int = 50, timeout_s: float = 30.0) -> tuple[Study, ...]:
        """Return the last studies, newest first, of these states or of all; `limit` is 1 to 1000."""
        answer = self._ask(self._stub.ListStudies, list_request(states, limit), timeout_s)
        return tuple(map(to_study, answer.studies))

    def get(self, study: str, *, timeout_s: float = 30.0) -> Study:
        """Return a study with its deliveries and history."""
        return to_study(self._ask(self._stub.GetStudy, studies_pb2.StudyRequest(study=study), timeout_s))

    def retry(self, study: str, *, timeout_s: float = 30.0) -> Study:
        """Have a study analysed again and return what is then waited for; a new report supersedes an earlier one."""
        return to_study(self._ask(self._stub.RetryStudy, studies_pb2.StudyRequest(study=study), timeout_s))

    def cancel(self, study: str, *, timeout_s: float = 30.0) -> Study:
        """End a study that has no answer yet."""
        return to_study(self._ask(self._stub.CancelStudy, studies_pb2.StudyRequest(study=study), timeout_s))

    def watch(
        self, study: str | None = None, *, after_entry: int | None = None, timeout_s: float | None = None
    ) -> Iterator[StudyChange]:
        """Yield every change of state, without end: of one study from its first on, or of all from now on.

        `after_entry` goes on where an earlier watch ended. Closing the iterator ends the call.
        """
        call: Any = self._stub.WatchStudies(
            watch_request(study, after_entry), timeout=timeout_s, metadata=self._metadata
        )
        try:
            for message in call:
                yield to_change(message)
        except grpc.RpcError as error:
            raise translate_studies(error, self._peer) from None
        finally:
            call.cancel()

    def fetch_results(self, study: str, *names: str, timeout_s: float = 120.0) -> StudyResults:
        """Return the files of a study's results: those of these names below the case's folder, or all.

        The gateway writes down who fetched what.
        """
        request = studies_pb2.FetchResultsRequest(study=study, names=names)
        call: Any = self._stub.FetchResults(request, timeout=timeout_s, metadata=self._metadata)
        fetching = Fetching()
        try:
            for message in call:
                fetching.take(message)
        except grpc.RpcError as error:
            raise translate_studies(error, self._peer) from None
        finally:
            call.cancel()
        return fetching.results()

    def _ask(self, method: Any, request: Any, timeout_s: float) -> Any:
        try:
            return method(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise translate_studies(error, self._peer) from None
