"""The settings of the gateway itself; whom it talks to and by which rules stands in the site's file (`site/`).

A setting comes from the command line, else from the environment (`SIDEWALL_GATEWAY_` and its name in capitals), else
from a TOML file of flat `name = value` lines (`--config`, `SIDEWALL_GATEWAY_CONFIG`), else it has its default.
"""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from base.environment import GATEWAY_PREFIX
from base.listening import LOOPBACK_WORDS, is_loopback, port_of
from base.settings import LogSettings, Range, Sources, within
from gateway.site.checking import require
from gateway.site.parts import check_ae_title

_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class GatewaySettings(LogSettings):
    """The effective settings; raises `SettingInvalid` on a value outside its range."""

    spool: Path = Path("/var/lib/sidewall-gateway")
    """Folder of what comes in and of results; on one file system."""

    ledger: str = ""
    """URL of the ledger, such as postgresql+pg8000://user@host/name; without it `ledger.sqlite` in the spool."""

    name: str = "gateway"
    """Of this gateway, the same at every start; several that share one ledger and spool need one each."""

    site: Path = Path("/etc/sidewall/site.toml")
    """The site's file: callers, engines, destinations, rules."""

    ae_title: str = "SIDEWALL"
    """Of this node."""

    listen: str = "127.0.0.1:11112"
    """host:port of the DICOM node; port 0 takes a free one. What is open to other machines needs TLS and callers, or
    `plaintext`.
    """

    web_listen: str = ""
    """host:port of STOW-RS, health and metrics over HTTP; none by default. Bound as `listen` is."""

    studies_listen: str = ""
    """host:port of the gRPC service `sidewall.v1.Studies`; none by default. Bound as `listen` is; whom it answers, and
    what each may, stands in the site's file.
    """

    watched_folder: Path | None = None
    """Folder from which whole files are taken and removed."""

    plaintext: bool = False
    """Allow addresses other than this machine's own without TLS, where something else encrypts the way."""

    tls_certificate: Path | None = None
    """The node's certificate chain (PEM); needs `tls_key`."""

    tls_key: Path | None = None
    """Private key of the certificate (PEM)."""

    tls_client_ca: Path | None = None
    """Who may sign callers' certificates (PEM); when given, a caller must show one."""

    quiet_s: float = 300.0
    """A study is complete when no instance of it came for so long, s."""

    force_s: float = 7200.0
    """A study to which instances keep coming is taken as it is after so long, s."""

    others: Literal["keep", "drop"] = "keep"
    """What becomes of objects that are not analysed (reports, segmentations, captures, raw data, private classes): all
    are accepted, since one that is refused can fail a scanner's whole job."""

    max_associations: int = 16
    """At the same time; more are refused as passing (PS3.8, 9.3.4)."""

    max_associations_per_caller: int = 8
    """Of one AE title and address, at the same time; more are refused as passing."""

    association_idle_s: float = 60.0
    """An association on which nothing comes for so long is aborted, s."""

    max_instance_mib: int = 1024
    """Largest instance, MiB; a connection that brings more is ended."""

    max_request_mib: int = 8192
    """Largest request of STOW-RS, MiB."""

    max_pdu_kib: int = 128
    """Largest PDU that senders are asked to keep to, KiB; one above 1 MiB, and above this, ends its connection."""

    max_instances_min: int = 60_000
    """Instances of one caller within a minute, 0 without a limit; more are refused as out of resources (A700, 429)."""

    max_calls_min: int = 600
    """Calls of one caller of `studies_listen` within a minute, 0 without a limit; more are RESOURCE_EXHAUSTED."""

    min_free_mib: int = 2048
    """Below so much free disk nothing is taken (A700, 507), MiB; above 1.2 times as much it is again."""

    max_spool_mib: int = 200_000
    """Beyond so much in the spool nothing is taken, MiB."""

    spool_days: float = 7.0
    """Instances are removed so long after everything of their study has ended and is confirmed, days."""

    case_days: float = 90.0
    """Results are removed so long after that, days."""

    failed_days: float = 30.0
    """Instances of a study that failed or was ignored are removed after so long, days; sent again, it starts afresh."""

    retry_min: tuple[float, ...] = (1.0, 2.0, 5.0, 15.0, 60.0)
    """Pauses between attempts at a delivery, min; the last one repeats until `retry_limit_h`."""

    retry_limit_h: float = 72.0
    """After so long a delivery is given up, h."""

    commitment_wait_s: float = 5.0
    """For how long the association on which commitment was asked for is kept open for the report, s."""

    commitment_deadline_s: float = 600.0
    """A report that has not come after so long is asked for again under a new Transaction UID, s."""

    engine_attempts: int = 20
    """Attempts at an analysis that an engine did not finish, before the study has failed; a busy or absent engine does
    not count."""

    ranges: ClassVar[Mapping[str, Range]] = {
        "name": (lambda name: bool(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name)), "1 to 32 letters, digits, _ and -"),
        "quiet_s": within(0.05, 86_400),
        "force_s": within(0.05, 864_000),
        "max_associations": within(1, 1000),
        "max_associations_per_caller": within(1, 1000),
        "association_idle_s": within(1, 3600),
        "max_instance_mib": within(1, 65_536),
        "max_request_mib": within(1, 1_048_576),
        "max_pdu_kib": within(4, 65_536),
        "max_instances_min": within(0, 1_000_000_000),
        "max_calls_min": within(0, 1_000_000_000),
        "min_free_mib": within(0, 1_000_000_000),
        "max_spool_mib": within(1, 1_000_000_000),
        "spool_days": within(0, 36_500),
        "case_days": within(0, 36_500),
        "failed_days": within(0, 36_500),
        "retry_limit_h": within(0, 87_600),
        "commitment_wait_s": within(0, 600),
        "commitment_deadline_s": within(0.1, 864_000),
        "engine_attempts": within(1, 1000),
        "retry_min": (lambda pauses: bool(pauses) and min(pauses) >= 0, "pauses from 0 on, min"),
    }

    def check(self) -> None:
        """Check what goes together."""
        check_ae_title("ae_title", self.ae_title)
        given = self.tls_certificate is not None
        require(given == (self.tls_key is not None), "tls_key", str(self.tls_key), "given with tls_certificate")
        require(given or self.tls_client_ca is None, "tls_client_ca", str(self.tls_client_ca), "with tls_certificate")
        for name in ("listen", "web_listen", "studies_listen"):
            self._check_listen(name, getattr(self, name))

    def _check_listen(self, name: str, value: str) -> None:
        if not value and name != "listen":
            return
        require(port_of(value) is not None, name, value, "host:port with a port of 0 to 65535")
        is_open = not is_loopback(value)
        is_safe = self.plaintext or self.tls_certificate is not None
        require(is_safe or not is_open, name, value, f"{LOOPBACK_WORDS}, or TLS, or plaintext = true")
        # DICOM node and studies ask the site's file who calls, and answer nobody else.
        is_known = self.plaintext or self.tls_client_ca is not None or name != "web_listen"
        allowed = f"{LOOPBACK_WORDS}, or tls_client_ca, or plaintext = true"
        require(is_known or not is_open, name, value, allowed)

    @property
    def ledger_url(self) -> str:
        """Return the URL of the ledger."""
        return self.ledger or f"{_SQLITE}{self.spool.absolute() / 'ledger.sqlite'}"

    @property
    def ledger_file(self) -> Path | None:
        """Return the file of the ledger; None where it is in a database of its own."""
        url = self.ledger_url
        return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None

    @property
    def is_open(self) -> bool:
        """Whether other machines can reach the DICOM node."""
        return not is_loopback(self.listen)


SOURCES: Final = Sources(GatewaySettings, GATEWAY_PREFIX)
"""Where a setting comes from, by the way that all programs of ours share (`base.settings`)."""


def load_settings(
    given: Mapping[str, Any] | None = None, *, environment: Mapping[str, str] | None = None, file: Path | None = None
) -> GatewaySettings:
    """Return the effective settings; `given` come from the command line, None counts as not given.

    Raises `SettingInvalid`, also on a variable or name that is no setting.
    """
    return SOURCES.load(given, environment=environment, file=file)


def host_of(listen: str) -> tuple[str, int]:
    """Return host and port of a host:port."""
    host, _, port = listen.rpartition(":")
    return socket.gethostbyname(host.strip("[]")) if ":" not in host else host.strip("[]"), int(port)
