"""The parts of a site's file, each checked when it is made; every value that is not allowed is named with what is."""

import ipaddress
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from gateway.site.checking import require

Mode = Literal["exact", "fast"]
Gates = Literal["strict", "lenient"]
Confirm = Literal["none", "commitment", "query"]
Objects = Literal["report", "segmentation", "captures", "key_objects", "document"]

ALL_OBJECTS: Final[tuple[Objects, ...]] = ("report", "segmentation", "captures", "key_objects")

_AE_TITLE: Final = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Caller:
    """Somebody who may open associations with us."""

    ae_title: str
    address: str = "0.0.0.0/0"
    """Address or network (CIDR) that it calls from."""

    def __post_init__(self) -> None:
        """Check the values."""
        check_ae_title("caller.ae_title", self.ae_title)
        try:
            ipaddress.ip_network(self.address, strict=False)
        except ValueError:
            require(False, "caller.address", self.address, "an IP address, or a network such as 10.1.0.0/16")

    def calls_from(self, ae_title: str, address: str) -> bool:
        """Return whether this is who calls; the default network holds every address, of IPv6 too."""
        if ae_title != self.ae_title:
            return False
        if self.address == "0.0.0.0/0":
            return True
        return ipaddress.ip_address(address) in ipaddress.ip_network(self.address, strict=False)


@dataclass(frozen=True)
class EngineAddress:
    """An engine (`sidewall serve`) that may be asked."""

    address: str
    mode: Mode = "exact"
    """What it computes in: rules may ask for engines of one mode."""

    gates: Gates = "lenient"
    """Whether its gates are set to refuse (`strict`) or to warn: rules may ask for that, too."""

    ca_file: Path | None = None
    """Who may sign its certificate (PEM); with it the way is encrypted."""

    certificate_file: Path | None = None
    key_file: Path | None = None
    parallel: int = 1
    """Cases that are sent to it at the same time; it computes one at a time."""

    def __post_init__(self) -> None:
        """Check the values."""
        host, _, port = self.address.rpartition(":")
        require(bool(host) and port.isdecimal() and int(port) < 65536, "engine.address", self.address, "host:port")
        require(1 <= self.parallel <= 16, "engine.parallel", self.parallel, "1 to 16")
        require(
            (self.certificate_file is None) == (self.key_file is None),
            "engine.key_file",
            str(self.key_file),
            "with certificate_file",
        )


@dataclass(frozen=True)
class Destination:
    """Where results go: a DICOM node, or a DICOMweb server."""

    name: str
    host: str = ""
    port: int = 0
    ae_title: str = ""
    """Of the node that is called."""

    url: str = ""
    """Of a DICOMweb service (STOW-RS), such as https://pacs/dicom-web, in the place of host, port and ae_title."""

    confirm: Confirm = "commitment"
    """How it confirms what it keeps: Storage Commitment, a query (C-FIND or QIDO-RS), or not at all."""

    commitment_ae_title: str = ""
    """Of the node that confirms, where it is another; at the same host and port."""

    tls_ca: Path | None = None
    """Who may sign its certificate (PEM); with it the way is encrypted."""

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    timeout_s: float = 30.0
    """For a connection, and for each answer, s."""

    def __post_init__(self) -> None:
        """Check the values."""
        require(bool(_NAME.fullmatch(self.name)), "destination.name", self.name, "1 to 32 letters, digits, _ and -")
        if self.url:
            require(self.url.startswith(("http://", "https://")), "destination.url", self.url, "http:// or https://")
            require(
                not (self.host or self.port or self.ae_title),
                "destination.url",
                self.url,
                "no host, port, ae_title beside it",
            )
            require(self.confirm != "commitment", "destination.confirm", self.confirm, "query or none for a url")
        else:
            require(bool(self.host), "destination.host", self.host, "a name or an address")
            require(0 < self.port < 65536, "destination.port", self.port, "1 to 65535")
            check_ae_title("destination.ae_title", self.ae_title)
        require(0 < self.timeout_s <= 600, "destination.timeout_s", self.timeout_s, "more than 0, at most 600 (s)")
        require(
            (self.tls_certificate is None) == (self.tls_key is None),
            "destination.tls_key",
            str(self.tls_key),
            "with tls_certificate",
        )


@dataclass(frozen=True)
class Delivery:
    """What goes to one destination."""

    to: str
    objects: tuple[Objects, ...] = ALL_OBJECTS


@dataclass(frozen=True)
class Rule:
    """Which studies it is about, and what becomes of them; the first that matches decides.

    A pattern is a text with `*` and `?`, compared without case; of several one must match, none given matches all.
    """

    name: str
    calling_ae: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    description: tuple[str, ...] = ()
    """Study Description, or the Series Description of one of its series."""

    station: tuple[str, ...] = ()
    """Station Name of the scanner."""

    hours: str = ""
    """HH:MM-HH:MM, local time at which the study was complete; may go over midnight. Empty: always."""

    action: Literal["analyse", "ignore"] = "analyse"
    mode: Mode | None = None
    gates: Gates | None = None
    priority: Literal["urgent", "routine"] = "routine"
    restaging: bool = False
    """Whether these studies are restagings (the time point that the engine is told)."""

    early_series: str = ""
    """Pattern of the Series Description of the series that is analysed: a study goes once that series has as many
    instances as it says (Images in Acquisition), without waiting for the quiet time."""

    deliver: tuple[Delivery, ...] = ()
    demonstrations: bool = False
    """Whether answers of a model that knows phantoms only go out for patients as well."""

    def __post_init__(self) -> None:
        """Check the values."""
        require(bool(_NAME.fullmatch(self.name)), "rule.name", self.name, "1 to 32 letters, digits, _ and -")
        require(not self.hours or bool(_HOURS.fullmatch(self.hours)), "rule.hours", self.hours, "HH:MM-HH:MM")


@dataclass(frozen=True)
class Site:
    """Everything that the file says."""

    callers: tuple[Caller, ...] = ()
    engines: tuple[EngineAddress, ...] = ()
    destinations: tuple[Destination, ...] = ()
    rules: tuple[Rule, ...] = ()
    version: str = ""
    """Digest of the file: what a job says it was made under."""

    def __post_init__(self) -> None:
        """Check that names are told apart and lead somewhere."""
        for what, names in (
            ("destination", [each.name for each in self.destinations]),
            ("rule", [each.name for each in self.rules]),
        ):
            twice = next((each for each in names if names.count(each) > 1), None)
            require(twice is None, f"{what}.name", twice, "a name of its own for each")
        known = [each.name for each in self.destinations]
        for rule in self.rules:
            for delivery in rule.deliver:
                require(
                    delivery.to in known,
                    "rule.deliver.to",
                    delivery.to,
                    f"a destination ({', '.join(known) or 'there is none'})",
                )

    def destination(self, name: str) -> Destination | None:
        """Return a destination by its name."""
        return next((each for each in self.destinations if each.name == name), None)


def check_ae_title(name: str, value: str) -> None:
    """Raise `SettingInvalid` for what is no AE title (PS3.5, 6.2)."""
    is_title = bool(_AE_TITLE.fullmatch(value)) and bool(value.strip())
    require(is_title, name, value, "1 to 16 characters of ASCII without a backslash")


def matches(patterns: tuple[str, ...], values: tuple[str, ...]) -> bool:
    """Return whether one of the values fits one of the patterns, or there is no pattern."""
    return not patterns or any(
        fnmatchcase(value.strip().casefold(), pattern.casefold()) for pattern in patterns for value in values
    )
