"""gRPC's server reflection, by which grpcurl and its like need no `.proto`: v1alpha, and v1 that took its place.

The library has v1alpha alone. Both have the same messages, field by field, so that one servicer answers both; the
description of v1 is that of v1alpha under its own name.

It tells what `proto/` says and nothing of any case, so it asks nobody who they are; but an open stream takes a thread,
and whoever is not known must not keep those who are from calling.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

_OLD_PACKAGE: Final = "grpc.reflection.v1alpha"
_PACKAGE: Final = "grpc.reflection.v1"
_FILE: Final = "grpc/reflection/v1/reflection.proto"
SERVICE_NAME: Final = f"{_PACKAGE}.ServerReflection"
MAX_STREAMS: Final = 4
"""At the same time; more are turned away."""


def add_reflection(services: Iterable[str], server: grpc.Server) -> None:
    """Have a server tell its services, and reflection itself, by both versions."""
    _describe()
    method = grpc.stream_stream_rpc_method_handler(
        _Bounded(services).answer,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in (reflection.SERVICE_NAME, SERVICE_NAME):
        handler = grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})
        server.add_generic_rpc_handlers((handler,))


class _Bounded:
    """Answers a few streams at a time."""

    def __init__(self, services: Iterable[str]) -> None:
        # Its types speak of one answer, where there is a stream of them.
        self._answers: Any = reflection.ReflectionServicer((*services, reflection.SERVICE_NAME, SERVICE_NAME))
        self._streams = threading.BoundedSemaphore(MAX_STREAMS)

    def answer(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        if not self._streams.acquire(blocking=False):
            more = f"{MAX_STREAMS + 1} streams of reflection at the same time; allowed: {MAX_STREAMS}"
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, more)
        try:
            yield from self._answers.ServerReflectionInfo(requests, context)
        finally:
            self._streams.release()


def _describe() -> None:
    """Let the description of v1 be found, unless a later version of the library has it."""
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName(_FILE)
    except KeyError:
        new = descriptor_pb2.FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(new)
        new.name, new.package = _FILE, _PACKAGE
        for message in new.message_type:
            for field in (each for each in message.field if each.type_name):
                field.type_name = field.type_name.replace(f".{_OLD_PACKAGE}.", f".{_PACKAGE}.")
        for method in (each for service in new.service for each in service.method):
            method.input_type = method.input_type.replace(f".{_OLD_PACKAGE}.", f".{_PACKAGE}.")
            method.output_type = method.output_type.replace(f".{_OLD_PACKAGE}.", f".{_PACKAGE}.")
        pool.AddSerializedFile(new.SerializeToString())
