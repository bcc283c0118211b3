"""Reflection (grpc.reflection.v1alpha): which services there are, for callers without the files of the contract.

It tells what `proto/` says and nothing of any study, so it asks nobody who they are; but an open stream takes a thread,
and whoever is not known must not keep those who are from calling.
"""

import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from sidewall.v1 import studies_pb2

SERVICE: Final = studies_pb2.DESCRIPTOR.services_by_name["Studies"].full_name
MAX_STREAMS: Final = 4
"""At the same time; more are turned away."""


class BoundedReflection:
    """Answers a few streams at a time."""

    def __init__(self) -> None:
        # Its types speak of one answer, where there is a stream of them.
        self._answers: Any = reflection.ReflectionServicer((SERVICE, reflection.SERVICE_NAME))
        self._streams = threading.BoundedSemaphore(MAX_STREAMS)

    def ServerReflectionInfo(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterator[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Yield what is asked for."""
        if not self._streams.acquire(blocking=False):
            more = f"{MAX_STREAMS + 1} streams of reflection at the same time; allowed: {MAX_STREAMS}"
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, more)
        try:
            yield from self._answers.ServerReflectionInfo(request_iterator, context)
        finally:
            self._streams.release()


def add_reflection(server: grpc.Server) -> None:
    """Have a server answer reflection."""
    servicer: Any = BoundedReflection()
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
