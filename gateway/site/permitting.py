"""Who a caller is by what it shows, and whether the site's file lets it do what it asks for."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from gateway.errors import NotAllowed, NotKnown
from gateway.site.parts import Caller, Permission, Site

_ALL: Final[frozenset[Permission]] = frozenset(get_args(Permission))


@dataclass(frozen=True)
class Known:
    """A caller that the site's file names, or anybody of this machine where it names nobody."""

    label: str
    """What log and audit call it."""

    may: frozenset[Permission]

    def require(self, permission: Permission) -> None:
        """Raise `NotAllowed` with what this caller may do unless it may do that."""
        if permission not in self.may:
            allowed = ", ".join(sorted(self.may))
            raise NotAllowed(f"caller {self.label} may {allowed} (`may` in the site file); this needs {permission}")


def who_opens(site: Site, ae_title: str, address: str, names: Collection[str]) -> Known | None:
    """Return who opens an association, showing a certificate with these names; None for whom the file does not name."""
    return _known(each for each in site.callers if each.opens(ae_title, address, names))


def who_calls(site: Site, address: str, names: Collection[str], token: str) -> Known:
    """Return who calls over HTTP or gRPC, showing a certificate with these names and a token.

    Raises `NotKnown` for whom the file does not name.
    """
    found = _known(each for each in site.callers if each.calls(address, names, token))
    if found is None:
        shown = f"{'a' if names else 'no'} certificate and {'a' if token else 'no'} token from {address}"
        raise NotKnown(
            f"{shown} fit no caller of the site file; allowed: one with certificate, token_sha256 or address"
        )
    return found


def names_of(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return common names and alternative names of a peer's certificate, as `ssl.SSLSocket.getpeercert` gives it."""
    found = certificate or {}
    common = [value for parts in found.get("subject", ()) for name, value in parts if name == "commonName"]
    return (*common, *(value for _, value in found.get("subjectAltName", ())))


def anybody(label: str) -> Known:
    """Return who calls where the file names nobody and only this machine can."""
    return Known(label, _ALL)


def _known(fitting: Iterable[Caller]) -> Known | None:
    """Return the first that fits, with what all that fit may do."""
    found = list(fitting)
    return Known(found[0].label, frozenset(may for each in found for may in each.may)) if found else None
