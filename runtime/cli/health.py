"""`sidewall health`: whether a server, or the one that these settings describe, answers and serves (grpc.health.v1)."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
import sidewall
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sidewall.peer import proxy_options

from runtime.core.errors import ServerUnreachable, SettingInvalid
from runtime.environment import SERVER_VARIABLE
from runtime.serving.storage import STORAGE_SERVICE
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

    Raises `ServerUnreachable` when it does not, or not in time, and `SettingInvalid` when its address is not known.
    """
    address = own_address(settings.listen)
    with _channel(address, settings) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            raise ServerUnreachable(f"no answer at {address} ({error.code().name.lower()})") from None
        if answer.status == health_pb2.HealthCheckResponse.SERVING and _storage_fails(channel, timeout_s):
            tell("warning: a disk of the server is full or gone: its log has which, as `storage`, and what helps")
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise ServerUnreachable(f"the server at {address} is not serving: it loads its model, or stops")
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


def _channel(address: str, settings: Settings) -> grpc.Channel:
    """Return a connection; the server's own certificate is the one that is trusted, under the name it was made for."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return grpc.insecure_channel(address, options=proxy_options(None))
    chain, key = _read("tls_certificate", settings.tls_certificate), _read("tls_key", settings.tls_key)
    # Where clients must show a certificate the server's own is shown: it passes if the same authority signed it.
    pair: tuple[Any, Any] = (key, chain) if settings.tls_client_ca else (None, None)
    options = (("grpc.ssl_target_name_override", _name_in(chain)), *proxy_options(None))
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(chain, *pair), options=options)


def _name_in(chain: bytes) -> str:
    """Return the first name or address that the first certificate is made out to (RFC 5280, 4.2.1.6)."""
    certificate = x509.load_pem_x509_certificate(chain)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "localhost"
    return next((str(each.value).replace("*", "any") for each in names), "localhost")


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise SettingInvalid(name, str(path), "a readable PEM file") from None
