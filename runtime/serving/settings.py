"""Who may call, and how much at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from base.errors import SettingInvalid
from base.listening import LOOPBACK_WORDS, is_loopback, port_of
from base.settings import Range, Section
from runtime.analysis.settings import CaseSettings

_MIB: Final = 1 << 20


@dataclass(frozen=True)
class ServingSettings(Section):
    """Who may call, and how much at once."""

    listen: str = "127.0.0.1:50051"
    """host:port of the server; port 0 takes a free one. The default is closed to other machines; what is open to them
    needs TLS, or `plaintext`.
    """

    plaintext: bool = False
    """Allow addresses other than this machine's own without TLS, where something else encrypts the way."""

    metrics_listen: str = ""
    """host:port where Prometheus reads the metrics over HTTP, without TLS and without asking who reads; port 0 takes a
    free one. None by default. What is open to other machines needs `plaintext`, also beside TLS.
    """

    tls_certificate: Path | None = None
    """The server's certificate chain (PEM); needs `tls_key`."""

    tls_key: Path | None = None
    """Private key of the server's certificate (PEM)."""

    tls_client_ca: Path | None = None
    """Who may sign clients' certificates (PEM); when given, a client must show one."""

    max_waiting: int = 3
    """Cases that wait beside the one that runs (one uses every core); more are answered RESOURCE_EXHAUSTED at once. A
    case waits once its input is whole.
    """

    max_input_mib: int = 512
    """Largest input of one call, MiB; a pelvic T2 series has 5-50. All calls together hold at most twice as much."""

    max_instances: int = 2000
    """Most DICOM instances in one call; a pelvic T2 series has 20-60."""

    max_message_mib: int = 4
    """Largest single gRPC message, MiB; the client's chunks have 1."""

    max_transfers: int = 64
    """Calls whose input comes in at the same time; more are answered RESOURCE_EXHAUSTED at once."""

    transfer_timeout_s: float = 120.0
    """Time in which the input of a call must be complete, s."""

    transfer_idle_s: float = 10.0
    """Time without a message after which a call whose input comes in is refused, s."""

    transfer_min_kib_s: float = 16.0
    """Least rate of an input over every minute, KiB/s; what is slower is refused."""

    answer_timeout_s: float = 60.0
    """Time in which a caller must read its result, s; then it is dropped. Other cases do not wait for that."""

    result_kept_s: float = 600.0
    """Time for which a result is kept in memory after its case has ended, s, so that a caller whose connection broke
    can have it by the name of its job; 0 keeps none. All together have at most 64 MiB, else the oldest goes.
    """

    shutdown_grace_s: float = 30.0
    """Time that running calls have to finish after SIGTERM, s; in its last 10 s (its second half, if that is less) what
    is not done is handed back to its caller.
    """

    ranges: ClassVar[Mapping[str, Range]] = {
        "listen": (lambda value: port_of(value) is not None, "host:port with a port of 0 to 65535"),
        "metrics_listen": (
            lambda value: value == "" or port_of(value) is not None,
            "host:port with a port of 0 to 65535, or empty",
        ),
        "max_waiting": (lambda value: 0 <= value <= 1000, "0 to 1000"),
        "max_input_mib": (lambda value: 1 <= value <= 65536, "1 to 65536 (MiB)"),
        "max_instances": (lambda value: 1 <= value <= 100_000, "1 to 100000"),
        "max_message_mib": (lambda value: 2 <= value <= 1024, "2 to 1024 (MiB)"),
        "max_transfers": (lambda value: 1 <= value <= 1000, "1 to 1000"),
        "transfer_timeout_s": (lambda value: 0 < value <= 86_400, "more than 0, at most 86400 (s)"),
        "transfer_idle_s": (lambda value: 0 < value <= 3600, "more than 0, at most 3600 (s)"),
        "transfer_min_kib_s": (lambda value: 0 <= value <= 1_000_000, "0 (any) to 1000000 (KiB/s)"),
        "answer_timeout_s": (lambda value: 0 < value <= 86_400, "more than 0, at most 86400 (s)"),
        "result_kept_s": (lambda value: 0 <= value <= 3600, "0 (none) to 3600 (s)"),
        "shutdown_grace_s": (lambda value: 0 <= value <= 3600, "0 to 3600 (s)"),
    }

    def check(self) -> None:
        """Raise `SettingInvalid` on half a certificate, and on what would be open to other machines unencrypted."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingInvalid("tls_key", self.tls_key, "given together with tls_certificate, or neither")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise SettingInvalid("tls_client_ca", self.tls_client_ca, "only with tls_certificate and tls_key")
        if self.tls_certificate is None and not self.plaintext and not is_loopback(self.listen):
            raise SettingInvalid("listen", self.listen, f"{LOOPBACK_WORDS}, or TLS, or plaintext = true")
        if self.metrics_listen and not self.plaintext and not is_loopback(self.metrics_listen):
            raise SettingInvalid(
                "metrics_listen", self.metrics_listen, f"{LOOPBACK_WORDS}, or plaintext = true: it has no TLS"
            )

    @property
    def max_input_bytes(self) -> int:
        """Largest input of one call, bytes."""
        return self.max_input_mib * _MIB

    @property
    def max_message_bytes(self) -> int:
        """Largest single gRPC message, bytes."""
        return self.max_message_mib * _MIB


@dataclass(frozen=True)
class ServerSettings(ServingSettings, CaseSettings):
    """What a server sees: its own section, and what it hands to every case."""
