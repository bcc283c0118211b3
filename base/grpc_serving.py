"""What every gRPC server of ours is opened with: its port, its encryption, and how it notices callers that are gone."""

from typing import Final

import grpc

from base.certificates import ServerCertificate
from base.errors import AddressUnavailable
from base.listening import OWN_ADDRESS, require_free

_KEEPALIVE_MS: Final = 20_000
"""Silence after which the server pings a caller."""

_KEEPALIVE_TIMEOUT_MS: Final = 15_000
"""In which the answer to a ping must come."""

_LEAST_PING_INTERVAL_MS: Final = 500
"""A caller that pings every second may be early now and then."""


def server_options(largest_message_bytes: int) -> list[tuple[str, int]]:
    """Return the options of a server; gRPC itself answers a message that is larger as RESOURCE_EXHAUSTED."""
    return [
        ("grpc.max_receive_message_length", largest_message_bytes),
        # Two servers on one port would share calls at random.
        ("grpc.so_reuseport", 0),
        # A client that vanished without closing the connection is noticed within a minute, and its work stopped: the
        # server pings as long as the connection stands, whether or not there is anything to tell.
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", 0),
        # Clients may ping as often as they want to keep their way open, with or without calls; from more often than
        # this on, gRPC ends the connection (`too_many_pings`).
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
    ]


def open_port(server: grpc.Server, listen: str, certificate: ServerCertificate | None, setting: str = "listen") -> int:
    """Have a server listen at host:port and return the port that it really took; without a certificate in the clear.

    Raises `AddressUnavailable` or `SettingInvalid`, which name `setting`, when the address cannot be used.
    """
    require_free(listen, setting)
    try:
        if certificate is None:
            return server.add_insecure_port(listen)
        return server.add_secure_port(listen, certificate.credentials())
    except RuntimeError as error:
        # Somebody else was faster.
        raise AddressUnavailable(setting, listen, OWN_ADDRESS) from error
