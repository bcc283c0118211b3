"""The server's certificate: read from its files, renewed with them, and known by its dates."""

import os
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

import grpc
import structlog
from cryptography import x509

from base.errors import FileAbsent, SettingInvalid

SOON: Final = timedelta(days=30)
"""A certificate that ends within this time is spoken of."""

Role = Literal["server", "client_ca"]

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class TlsSettings(Protocol):
    """What a server's settings say about TLS; paths of PEM files."""

    @property
    def tls_certificate(self) -> Path | None:
        """The server's certificate chain."""

    @property
    def tls_key(self) -> Path | None:
        """Its private key."""

    @property
    def tls_client_ca(self) -> Path | None:
        """Who may sign clients' certificates."""


@dataclass(frozen=True)
class Validity:
    """When certificates count."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def of_chain(cls, pem: bytes) -> "Validity":
        """Return when every certificate of a chain counts; raises `ValueError` when none can be read."""
        chain = x509.load_pem_x509_certificates(pem)
        return cls(max(each.not_valid_before_utc for each in chain), min(each.not_valid_after_utc for each in chain))

    @classmethod
    def of_authorities(cls, pem: bytes) -> "Validity":
        """Return when at least one of several authorities counts; raises `ValueError` when none can be read."""
        all_of_them = x509.load_pem_x509_certificates(pem)
        return cls(
            min(each.not_valid_before_utc for each in all_of_them),
            max(each.not_valid_after_utc for each in all_of_them),
        )

    def days_left(self, now: datetime | None = None) -> float:
        """Return the days to the end; negative once it is over."""
        return (self.not_after - (now or datetime.now(UTC))) / timedelta(days=1)

    def problem(self, now: datetime | None = None) -> str | None:
        """Return why the certificate does not count now, None when it does."""
        now = now or datetime.now(UTC)
        if now >= self.not_after:
            return f"expired on {self.not_after:%Y-%m-%d %H:%M} UTC"
        if now < self.not_before:
            return f"is not valid before {self.not_before:%Y-%m-%d %H:%M} UTC"
        return None

    def describe(self, now: datetime | None = None) -> str:
        """Return whether and how long it counts, in words."""
        now = now or datetime.now(UTC)
        problem = self.problem(now)
        if problem is not None:
            return problem
        left = f"valid to {self.not_after:%Y-%m-%d %H:%M} UTC, {int(self.days_left(now))} days left"
        return f"{left}: renew it soon" if self.not_after - now < SOON else left


@dataclass(frozen=True)
class _Content:
    """What the files of one moment hold."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.client_ca)

    def validity(self) -> dict[Role, Validity]:
        found: dict[Role, Validity] = {"server": Validity.of_chain(self.certificate)}
        if self.client_ca is not None:
            found["client_ca"] = Validity.of_authorities(self.client_ca)
        return found


class ServerCertificate:
    """The TLS files of the settings; what is written there later counts from the next connection on.

    Raises `SettingInvalid` or `FileAbsent` when they cannot be used at first. Files that cannot be used later, such as
    a new certificate whose key is not written yet, are told in the log, and the ones before stay in use.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._paths = (certificate, key, client_ca)
        self._lock = threading.Lock()
        self._stamp = self._now()
        self._content = self._read()
        self._is_new = False

    @classmethod
    def of(cls, settings: TlsSettings) -> "ServerCertificate | None":
        """Return that of the settings; None without TLS."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        return cls(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a server listens with; new connections get the files as they then are."""
        # None, which the stubs do not know, keeps what the server has.
        return grpc.dynamic_ssl_server_credentials(
            self._content.configuration(),
            self._renewed,  # type: ignore[arg-type]
            require_client_authentication=self._paths[2] is not None,
        )

    def validity(self) -> dict[Role, Validity]:
        """Return when what is in use counts: the server's own chain, and who signs clients' certificates."""
        with self._lock:
            self._look()
            return self._content.validity()

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what a new connection gets, None while it is as before."""
        with self._lock:
            self._look()
            is_new, self._is_new = self._is_new, False
            return self._content.configuration() if is_new else None

    def _look(self) -> None:
        """Read the files again if they were written since."""
        stamp = self._now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            content = self._read()
        except (SettingInvalid, FileAbsent) as error:
            _log.warning("certificate not renewed", reason=str(error))
            return
        self._content, self._is_new = content, True
        log_validity(content.validity(), "certificate renewed")

    def _now(self) -> tuple[object, ...]:
        """Return what changes when a file is written, replaced, or behind a link that is set anew."""
        return tuple(_stamp(path) for path in self._paths if path is not None)

    def _read(self) -> _Content:
        certificate, key, client_ca = self._paths
        content = _Content(
            read_pem("tls_certificate", certificate),
            read_pem("tls_key", key),
            None if client_ca is None else read_pem("tls_client_ca", client_ca),
        )
        _check_pair(certificate, key)
        for name, path, read in (
            ("tls_certificate", certificate, lambda: Validity.of_chain(content.certificate)),
            ("tls_client_ca", client_ca, content.validity),
        ):
            try:
                read()
            except ValueError as error:
                raise SettingInvalid(name, str(path), "certificates in PEM form") from error
        return content


def log_validity(found: dict[Role, Validity], event: str = "certificate") -> None:
    """Tell how long certificates count: as an error where they do not, as a warning where they end soon."""
    for role, validity in found.items():
        tell = _log.info
        if validity.problem() is not None:
            tell = _log.error
        elif validity.days_left() < SOON / timedelta(days=1):
            tell = _log.warning
        tell(event, certificate=role, what=validity.describe())


def problems(found: dict[Role, Validity]) -> Iterable[str]:
    """Yield what keeps callers out now, in words."""
    names = {"server": "the server's certificate", "client_ca": "whoever signs clients' certificates"}
    for role, validity in found.items():
        problem = validity.problem()
        if problem is not None:
            yield f"{names[role]} {problem}"


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def _check_pair(certificate: Path, key: Path) -> None:
    """Raise `SettingInvalid` when the files are no certificate and its key: gRPC would blame the address for it."""
    try:
        # An empty password: a key that asks for one must not make the server wait at a terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        allowed = "a certificate chain in PEM form whose key, without a password, is in tls_key"
        raise SettingInvalid("tls_certificate", str(certificate), allowed) from error


def read_pem(name: str, path: Path) -> bytes:
    """Return the content of a setting's PEM file.

    Raises `FileAbsent` where there is none, `SettingInvalid` with the system's reason where it cannot be read, or where
    it holds nothing in PEM form.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FileAbsent(name, str(path), "a PEM file that is there") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise SettingInvalid(name, str(path), f"a readable PEM file ({reason}, for user {os.geteuid()})") from error
    if b"-----BEGIN " not in content:
        raise SettingInvalid(name, str(path), "a readable PEM file (it holds nothing in PEM form)")
    return content
