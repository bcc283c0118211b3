"""The parts of a site's file, each checked when it is made; every value that is not allowed is named with what is."""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, get_args

from gateway.site.checking import require

Mode = Literal["exact", "fast"]
Gates = Literal["strict", "lenient"]
Confirm = Literal["none", "commitment", "query"]
Permission = Literal["store", "query", "fetch", "act"]
Objects = Literal["report", "segmentation", "captures", "key_objects", "document", "structure_set"]

SELF_TEST: Final = "self-test"
"""Name of the destination at which the self-test waits for its result."""

ALL_OBJECTS: Final[tuple[Objects, ...]] = get_args(Objects)

_AE_TITLE: Final = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DIGEST: Final = re.compile(r"[0-9A-Fa-f]{64}")
_UID: Final = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_MAX_UID: Final = 64
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Caller:
    """Somebody who may call us, how it is known, and what it may do; everything that is given must fit.

    An association is known by its AE title; a call over HTTP or gRPC by certificate, token, or an address of this
    machine.
    """

    ae_title: str = ""
    """Under which it opens associations; empty for who opens none."""

    address: str = "0.0.0.0/0"
    """Address or network (CIDR) that it calls from."""

    certificate: str = ""
    """A name in its own certificate (common name or subject alternative name), where it has to show one."""

    token_sha256: str = ""
    """SHA-256 (hexadecimal) of the token that it sends as `authorization: Bearer TOKEN`: the file holds no secret."""

    name: str = ""
    """What log and audit call it; its AE title, certificate or address without one."""

    may: tuple[Permission, ...] = ("store",)
    """`store` instances, `query` the states of studies, `fetch` results, `act` upon studies (retry, cancel)."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.ae_title:
            check_ae_title("caller.ae_title", self.ae_title)
        try:
            network = ipaddress.ip_network(self.address, strict=False)
        except ValueError:
            require(False, "caller.address", self.address, "an IP address, or a network such as 10.1.0.0/16")
        given = not self.name or bool(_NAME.fullmatch(self.name))
        require(given, "caller.name", self.name, "1 to 32 letters, digits, _ and -")
        is_digest = not self.token_sha256 or bool(_DIGEST.fullmatch(self.token_sha256))
        require(is_digest, "caller.token_sha256", f"{len(self.token_sha256)} characters", "64 hexadecimal digits")
        is_known = bool(self.ae_title or self.certificate or self.token_sha256) or network.is_loopback
        require(
            is_known, "caller", self.address, "ae_title, certificate or token_sha256, or an address of this machine"
        )
        require(bool(self.may), "caller.may", list(self.may), f"one or more of {', '.join(get_args(Permission))}")

    @property
    def label(self) -> str:
        """What log and audit call it."""
        return self.name or self.ae_title or self.certificate or self.address

    def opens(self, ae_title: str, address: str, names: Collection[str]) -> bool:
        """Return whether this is who opens an association, showing a certificate with these names."""
        return bool(self.ae_title) and ae_title == self.ae_title and self._fits(address, names)

    def calls(self, address: str, names: Collection[str], token: str) -> bool:
        """Return whether this is who calls over HTTP or gRPC, showing a certificate with these names and a token.

        Who is known by an AE title alone is not: nobody can show one there.
        """
        if self.ae_title and not (self.certificate or self.token_sha256):
            return False
        digest = hashlib.sha256(token.encode()).hexdigest()
        has_token = not self.token_sha256 or hmac.compare_digest(digest, self.token_sha256.lower())
        return has_token and self._fits(address, names)

    def _fits(self, address: str, names: Collection[str]) -> bool:
        if self.certificate and self.certificate not in names:
            return False
        # The default network holds every address, of IPv6 too.
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
    objects: tuple[str, ...] = ALL_OBJECTS
    """Kinds (an engine writes `document`, the PDF, and `structure_set` where it is set to), and SOP Class UIDs of what
    else engines may write.
    """

    def __post_init__(self) -> None:
        """Check the values."""
        for each in self.objects:
            is_known = each in ALL_OBJECTS or (len(each) <= _MAX_UID and bool(_UID.fullmatch(each)))
            require(is_known, "rule.deliver.objects", each, f"{', '.join(ALL_OBJECTS)}, or a SOP Class UID")


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
