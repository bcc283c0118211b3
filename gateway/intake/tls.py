"""Encryption of what callers open: TLS 1.2 and later (PS3.15, B.12; BCP 195), with certificates that may be renewed."""

import ssl
from pathlib import Path

import structlog

from base.certificates import Role, Validity, log_validity
from gateway.settings import GatewaySettings

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class ServerTls:
    """The context of every server of the gateway; connections that are open keep the certificate that they have."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        """Read the files; raises `OSError` (`ssl.SSLError`) when one is not what it should be."""
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # BCP 195 (RFC 9325, 4.2): forward secrecy and authenticated encryption alone.
        self.context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        if client_ca is not None:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self._seen = self._state()
        self.context.load_cert_chain(certificate, key)
        self.validity = self._read_validity()
        """When the certificates in use count."""
        log_validity(self.validity)

    @classmethod
    def of(cls, settings: GatewaySettings) -> "ServerTls | None":
        """Return what the settings ask for; None without a certificate."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        return cls(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)

    def look(self) -> bool:
        """Take up a certificate that was renewed; one that is not right is told, and the one before holds on."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self.context.load_cert_chain(self._certificate, self._key)
            self.validity = self._read_validity()
        except OSError as error:
            _log.warning("certificate refused, the one before holds on", error=type(error).__name__)
            return False
        _log.info("certificate taken up")
        log_validity(self.validity)
        return True

    def _read_validity(self) -> dict[Role, Validity]:
        found: dict[Role, Validity] = {"server": Validity.of_chain(self._certificate.read_bytes())}
        if self._client_ca is not None:
            found["client_ca"] = Validity.of_authorities(self._client_ca.read_bytes())
        return found

    def _state(self) -> tuple[object, ...]:
        found = [each.stat() if each.exists() else None for each in (self._certificate, self._key)]
        return tuple(each and (each.st_mtime_ns, each.st_ino) for each in found)
