"""`sidewall health`: whether a server, or the one that these settings describe, answers and serves (grpc.health.v1)."""

import os
from collections.abc import Callable
from typing import Final

import grpc
import sidewall
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sidewall.peer import proxy_options

from base.certificates import ServerCertificate, problems
from base.environment import SERVER_VARIABLE
from base.errors import ServerUnreachable, SettingInvalid
from base.local_health import local_address
from base.storage_watch import STORAGE_SERVICE
from runtime.settings import Settings

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""A server that listens on every address is asked on this machine's own."""


def server_to_ask(server: str | None, listen: str | None, *, as_client: bool) -> str | None:
    """Return the server that the command line or the environment names; None for this machine's own.

    `as_client` tells that options of a client's connection were given. Raises `SettingInvalid` where the own server is
    meant beside them, or beside another one.
    """
    if server is not None and listen is not None:
        raise SettingInvalid("listen", listen, "not given together with --server: one server is asked")
    named = server or (os.environ.get(SERVER_VARIABLE) if listen is None else None)
    if named is None and as_client:
        raise SettingInvalid("server", None, f"host:port, beside --tls... and --proxy: --server or {SERVER_VARIABLE}")
    return named


def require_serving_at(server: str, tls: sidewall.TlsOptions | None, proxy: str | None, timeout_s: float) -> None:
    """Ask a server of any machine, as a client of it would; raises `ServerUnreachable` with the reason."""
    with sidewall.Client(server, tls=tls, proxy=proxy) as client:
        try:
            client.require_serving(timeout_s=timeout_s)
        except sidewall.SidewallClientError as error:
            raise ServerUnreachable(str(error)) from None


def require_serving(settings: Settings, timeout_s: float, tell: Callable[[str], None] = lambda _: None) -> str:
    """Return the address of this machine's own server when it serves; `tell` takes what it warns of all the same.

    Raises `ServerUnreachable` when it does not, or not in time, or its certificate does not count now, and
    `SettingInvalid` when its address is not known or a TLS file cannot be used.
    """
    address = own_address(settings.listen)
    certificate = ServerCertificate.of(settings)
    # With TLS the answer comes where no certificate is asked for: the server's own need not be a client's.
    place = address if certificate is None else local_address(settings.listen)
    with grpc.insecure_channel(place, options=proxy_options(None)) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            raise ServerUnreachable(f"no answer at {address} ({error.code().name.lower()})") from None
        if answer.status == health_pb2.HealthCheckResponse.SERVING and _storage_fails(channel, timeout_s):
            tell("warning: a disk of the server is full or gone: its log has which, as `storage`, and what helps")
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise ServerUnreachable(f"the server at {address} is not serving: it loads its model, or stops")
    if certificate is not None:
        for problem in problems(certificate.validity()):
            raise ServerUnreachable(f"the server at {address} serves, but no caller can reach it: {problem}")
    return address


def _storage_fails(channel: grpc.Channel, timeout_s: float) -> bool:
    """Return whether the server says so of a place that it writes to; one that does not watch them says nothing."""
    request = health_pb2.HealthCheckRequest(service=STORAGE_SERVICE)
    try:
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout_s)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.NOT_SERVING)


def own_address(listen: str) -> str:
    """Return where a server that listens there is reached from this machine."""
    host, _, port = listen.rpartition(":")
    if int(port) == 0:
        raise SettingInvalid("listen", listen, "host:port with the port that the server took")
    return f"{_ANY_ADDRESS.get(host, host)}:{port}"
