"""The channel below every client: its options, its encryption, and the question whether a server serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", 16 << 20),
    # A server that vanished without closing the connection is noticed within a minute, also while nothing is sent;
    # servers before 0.2 end connections that are pinged more often than every 20 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.http2.max_pings_without_data", 0),
)
HEALTH_CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"
"""A grpc.health.v1.HealthCheckResponse with status SERVING: spares a dependency for two bytes."""


@dataclass(frozen=True)
class TlsOptions:
    """Encryption of the connection; all files PEM."""

    ca_file: Path | None = None
    """Who may sign the server's certificate; None takes the certificates that come with gRPC."""

    certificate_file: Path | None = None
    """The client's own certificate, for servers that ask for one; needs `key_file`."""

    key_file: Path | None = None

    def to_credentials(self) -> grpc.ChannelCredentials:
        """Read the files; raises `OSError` when one cannot be read."""
        ca, key, certificate = (
            path.read_bytes() if path else None for path in (self.ca_file, self.key_file, self.certificate_file)
        )
        return grpc.ssl_channel_credentials(ca, key, certificate)
