"""How an asynchronous call ended, in the server's words also where gRPC puts its own over them.

A server may answer before it has all of a stream: a full one says so at the first message. The write that is on its way
then fails, and grpc.aio sets the status INTERNAL, "Internal error from Core", over the one that came, or before it
(https://github.com/grpc/grpc/issues/36066). The call tells its callbacks of both; so the other one is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import grpc
import grpc.aio

_WRITE_FAILED: Final = "Internal error from Core"
_LATEST_S: Final = 5.0
"""How long a status may come after the write that failed: it is on this machine by then, or there is none."""


class Ending:
    """The statuses of one call; to be made at once after it."""

    def __init__(self, call: Any) -> None:
        self._said: asyncio.Future[grpc.aio.AioRpcError] = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._note)

    def _note(self, call: Any) -> None:
        # The next status may be put over this one before any task runs: it is read here.
        error = _at_once(_status(call))
        if not self._said.done() and not _is_failed_write(error):
            self._said.set_result(error)

    async def of(self, error: Any) -> Any:
        """Return the status that the server gave where `error`, which the call raised, is a write that failed."""
        if not _is_failed_write(error):
            return error
        try:
            said = await asyncio.wait_for(asyncio.shield(self._said), _LATEST_S)
        except TimeoutError:
            return error
        return error if said.code() is grpc.StatusCode.OK else said


def _is_failed_write(error: Any) -> bool:
    return error.code() is grpc.StatusCode.INTERNAL and error.details() == _WRITE_FAILED


def _at_once(reading: Coroutine[Any, Any, grpc.aio.AioRpcError]) -> grpc.aio.AioRpcError:
    """Return what a coroutine gives that has nothing to wait for."""
    try:
        reading.send(None)
    except StopIteration as end:
        status: grpc.aio.AioRpcError = end.value
        return status
    reading.close()
    raise RuntimeError("the status of a call that has ended is not there")


async def _status(call: Any) -> grpc.aio.AioRpcError:
    code, details = await call.code(), await call.details()
    initial, trailing = await call.initial_metadata(), await call.trailing_metadata()
    return grpc.aio.AioRpcError(
        code, initial, trailing, details=details, debug_error_string=await call.debug_error_string()
    )
