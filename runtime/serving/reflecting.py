"""gRPC's server reflection, by which grpcurl and its like need no `.proto`: v1alpha, and v1 that took its place.

The library has v1alpha alone. Both have the same messages, field by field, so that one servicer answers both; the
description of v1 is that of v1alpha under its own name.
"""

from collections.abc import Iterable
from typing import Final

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

_OLD_PACKAGE: Final = "grpc.reflection.v1alpha"
_PACKAGE: Final = "grpc.reflection.v1"
_FILE: Final = "grpc/reflection/v1/reflection.proto"
SERVICE_NAME: Final = f"{_PACKAGE}.ServerReflection"


def add_reflection(services: Iterable[str], server: grpc.Server) -> None:
    """Have a server tell its services, and reflection itself, by both versions."""
    _describe()
    servicer = reflection.ReflectionServicer((*services, reflection.SERVICE_NAME, SERVICE_NAME))
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in (reflection.SERVICE_NAME, SERVICE_NAME):
        handler = grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})
        server.add_generic_rpc_handlers((handler,))


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
