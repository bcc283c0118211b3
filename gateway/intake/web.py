"""STOW-RS (PS3.18, 10.5), and whether the gateway is alive and ready, over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import structlog
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.errors import NoRoom, NotAllowed, NotTaken, Unreadable
from gateway.intake.headers import read_header
from gateway.intake.receiving import Receiver, Sender
from gateway.limits import Rate
from gateway.site.parts import Site
from gateway.site.permitting import Known, anybody, who_calls
from gateway.spool import Spool

if TYPE_CHECKING:  # It is there for checkers of types alone.
    from python_multipart.multipart import MultipartCallbacks

_MIB: Final = 1 << 20
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
_MAX_PARTS: Final = 20_000


class Admit:
    """Lets callers in that may store, as the site's file says it now."""

    def __init__(
        self, site: Callable[[], Site], names: Callable[[tuple[str, int]], tuple[str, ...]], rate: Rate
    ) -> None:
        """`names` returns those in the certificate of who calls from a host and port."""
        self._site, self._names, self._rate = site, names, rate

    def caller(self, request: Request) -> Known:
        """Return who sends a request; raises `NotKnown` or `NotAllowed`."""
        site, client = self._site(), request.client
        if not site.callers or client is None:
            # The settings let other machines in with a certificate alone, or because something else protects the way.
            return anybody("web")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        names = self._names((client.host, client.port))
        known = who_calls(site, client.host, names, token.strip() if kind.lower() == "bearer" else "")
        known.require("store")
        return known

    def note(self, caller: str) -> None:
        """Count an instance; raises `TooMany`."""
        self._rate.note(caller)


class BodyRefused(Exception):
    """The body of a request is not what PS3.18 allows; the text says what is."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class WebNode:
    """Takes instances over HTTP."""

    def __init__(
        self,
        receiver: Receiver,
        spool: Spool,
        max_instance_mib: int,
        max_request_mib: int,
        fault: Callable[[], str | None],
        metrics: Callable[[], bytes],
        admit: Admit,
    ) -> None:
        """`fault` returns why the gateway takes no instances, None when it does; `metrics` the page of Prometheus.

        `admit` lets callers in.
        """
        self._admit = admit
        self._receiver, self._spool, self._fault, self._metrics_page = receiver, spool, fault, metrics
        self._max_bytes, self._max_request = max_instance_mib * _MIB, max_request_mib * _MIB

    def application(self) -> Starlette:
        """Return what a server of HTTP runs."""
        return Starlette(
            routes=[
                Route("/dicom-web/studies", self._store, methods=["POST"]),
                Route("/dicom-web/studies/{study}", self._store, methods=["POST"]),
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _live(self, _: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _ready(self, _: Request) -> Response:
        fault = await run_in_threadpool(self._fault)
        return PlainTextResponse("ready\n") if fault is None else PlainTextResponse(f"{fault}\n", 503)

    async def _metrics(self, _: Request) -> Response:
        return Response(await run_in_threadpool(self._metrics_page), media_type="text/plain; version=0.0.4")

    async def _store(self, request: Request) -> Response:
        """Store the instances of a request; the answer speaks of each."""
        parts: list[Path] = []
        try:
            known = self._admit.caller(request)
            sender = Sender(known.label, request.client.host if request.client else "", "web")
            self._receiver.room.require()
            await self._receive(request, parts)
            outcomes = [await run_in_threadpool(self._take, part, sender, request) for part in parts]
        except BodyRefused as error:
            return PlainTextResponse(f"{error}\n", error.status)
        except (NoRoom, NotAllowed) as error:
            _log.warning("request refused", code=error.code, what=str(error))
            return PlainTextResponse(f"{error}\n", error.http_status)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
        return _answer(outcomes)

    async def _receive(self, request: Request, parts: list[Path]) -> None:
        """Write the parts of the body to files as they come; raises `BodyRefused`."""
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary")
        if kind != b"multipart/related" or not boundary:
            raise BodyRefused(415, 'allowed: multipart/related; type="application/dicom"; boundary=...')
        writer = _Writer(self._spool, parts, self._max_bytes)
        parser = MultipartParser(boundary, writer.callbacks())
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self._max_request:
                    raise BodyRefused(413, f"a request of more than {self._max_request} bytes; allowed: as many")
                await run_in_threadpool(parser.write, chunk)
            parser.finalize()
        except BodyRefused:
            raise
        except Exception as error:  # noqa: BLE001 - a malformed body may raise anything, and its text may quote it
            raise BodyRefused(400, f"the body is no multipart/related ({type(error).__name__})") from None
        finally:
            writer.close()
        if not parts or not writer.is_whole:
            raise BodyRefused(400, "the body ended before its last part; allowed: one instance or more, each whole")

    def _take(self, part: Path, sender: Sender, request: Request) -> "_Outcome":
        """Take one instance and return what became of it."""
        uids = ("", "")
        try:
            header = read_header(part)
            uids = (header.sop_class, header.sop_uid)
            wanted = request.path_params.get("study", header.study_uid)
            if header.study_uid != wanted:
                raise Unreadable("the instance is of another study than the request names")
            self._admit.note(sender.name)
            self._receiver.take(part, sender)
        except NotTaken as error:
            return _Outcome(*uids, error)
        return _Outcome(*uids, None)


class _Outcome:
    def __init__(self, sop_class: str, sop_uid: str, error: NotTaken | None) -> None:
        self.sop_class, self.sop_uid, self.error = sop_class, sop_uid, error

    def as_item(self) -> dict[str, Any]:
        """Return the item of the response (PS3.18, I.2)."""
        item: dict[str, Any] = {
            "00081150": {"vr": "UI", "Value": [self.sop_class]},
            "00081155": {"vr": "UI", "Value": [self.sop_uid]},
        }
        if self.error is not None:
            item["00081197"] = {"vr": "US", "Value": [self.error.dicom_status]}
        return item


def _answer(outcomes: list[_Outcome]) -> Response:
    taken = [each.as_item() for each in outcomes if each.error is None]
    failed = [each.as_item() for each in outcomes if each.error is not None]
    body: dict[str, Any] = {}
    if taken:
        body["00081199"] = {"vr": "SQ", "Value": taken}
    if failed:
        body["00081198"] = {"vr": "SQ", "Value": failed}
    status = 200 if not failed else 202 if taken else max(each.error.http_status for each in outcomes if each.error)
    return JSONResponse(body, status, media_type="application/dicom+json")


class _Writer:
    """Writes each part of a body into a file of its own, in the spool's `incoming`."""

    def __init__(self, spool: Spool, parts: list[Path], max_bytes: int) -> None:
        self._spool, self._parts, self._max_bytes = spool, parts, max_bytes
        self._stream: IO[bytes] | None = None
        self._size = 0
        self.is_whole = False

    def callbacks(self) -> "MultipartCallbacks":
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._whole,
        }

    def close(self) -> None:
        """Close what a broken body left open."""
        if self._stream is not None:
            self._stream.close()

    def _begin(self) -> None:
        if len(self._parts) >= _MAX_PARTS:
            raise BodyRefused(413, f"more than {_MAX_PARTS} instances; allowed: as many in one request")
        part = self._spool.new_part()
        self._parts.append(part)
        self._stream, self._size = part.open("xb"), 0

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._size > self._max_bytes:
            raise BodyRefused(413, f"an instance of more than {self._max_bytes} bytes; allowed: as many")
        if self._stream is not None:
            self._stream.write(data[start:end])

    def _end(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _whole(self) -> None:
        self.is_whole = True
