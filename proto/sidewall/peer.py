"""The server as the client sees it: its address, and in plain words why it was not reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"(\[[^\s\[\]/]+\]|[^\s:\[\]/]+):(\d{1,5})")
PROXY_FORM = "http://host:port of an HTTP proxy, with user:password@ before the host where it asks for a login"
_ASKS_FOR_TLS = "it closed the connection; it may ask for TLS"
_ASKS_FOR_CERTIFICATE = (
    "it closed the connection; it may ask for a client's certificate signed by whom it trusts, and valid now"
)
_UNKNOWN_CAUSE = "check address and port, TLS, and that the server runs"

_CAUSES = (
    ("Connection refused", "nothing listens there; check address and port, and that the server runs"),
    ("lookup", "the host's name is not known; check its spelling"),
    ("WRONG_VERSION_NUMBER", "it answers without TLS; connect without TLS, or check the port"),
    ("Hostname Verification", "its certificate is made out to another name; call it by the name in its certificate"),
    ("certificate has expired", "its certificate, or one that signed it, has expired; whoever runs it must renew it"),
    ("certificate is not yet valid", "its certificate is not valid yet; check the clocks of both machines"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not signed by whom you trust; check the file of authorities"),
    ("security handshaker", "a TLS file is no usable PEM file; check authorities, certificate and key"),
    ("HTTP proxy", "the proxy does not lead there; check the proxy, and whether it may reach the server"),
    ("HTTP/2", "what answers is no gRPC server; check the port"),
    ("SETTINGS frame", "something accepts connections there but does not speak gRPC; check the port"),
    ("timed out", "it does not answer; check the address, and whether a firewall lies between"),
    ("unreachable", "there is no way to it in the network; check the address"),
    ("No route to host", "there is no way to it in the network; check the address"),
)
"""Words in gRPC's own texts, the telling ones first, and what they mean. The texts speak of the insides of gRPC and are
not shown; where a newer gRPC words one otherwise, the general advice is given."""


@dataclass(frozen=True)
class Peer:
    """The server that a client talks to; raises `ValueError` on what is no host:port."""

    address: str
    tls: bool
    proxy: str | None = None
    """URL of the HTTP proxy that stands between; may hold a password, which no message shows."""

    def __post_init__(self) -> None:
        """Check the form: gRPC takes a missing port for 443 and a scheme for a part of the name."""
        if not is_address(self.address):
            raise ValueError(f"server is {self.address!r}; allowed: host:port, such as 127.0.0.1:50051")
        if self.proxy is not None and not is_proxy(self.proxy):
            raise ValueError(f"proxy is no {PROXY_FORM}")

    def explain_unreachable(self, details: str) -> str:
        """Return why no connection came about, from gRPC's text."""
        return f"no connection to a Sidewall server at {self._described}: {self._cause(details)}"

    def explain_unknown_call(self) -> str:
        """Return what it means that the server does not know our call."""
        return f"what answers at {self._described} is another gRPC service or an older Sidewall; check the port"

    def explain_not_serving(self) -> str:
        """Return what it means that the server answers and does not serve."""
        return f"the server at {self._described} is not serving: it loads its model, or stops"

    def explain_silence(self) -> str:
        """Return that nothing came in the time given to a call that takes none."""
        return f"no answer came from {self._described} in the time given"

    def explain_break(self, job_id: str) -> str:
        """Return what it means that the connection ended after the server had taken the case."""
        return (
            f"the connection to {self._described} broke off before the result was there (job {job_id}); check whether "
            "the server still runs, then send the case again"
        )

    def explain_deadline(self) -> str:
        """Return what it means that the time given to the call has passed."""
        return f"no result came from {self._described} in the time given; the work is stopped, on the server as well"

    def explain_fault(self, status: str, details: str) -> str:
        """Return that a call ended with a status which neither side gives on purpose."""
        return (
            f"the call to {self._described} ended with {status} ({details}): a fault of the server or on the way to it"
        )

    @property
    def _described(self) -> str:
        through = "" if self.proxy is None else f", through the proxy {proxy_place(self.proxy)}"
        return f"{self.address} ({'with' if self.tls else 'without'} TLS{through})"

    def _cause(self, details: str) -> str:
        if "Socket closed" in details or "Connection reset" in details:
            return _ASKS_FOR_CERTIFICATE if self.tls else _ASKS_FOR_TLS
        if self.proxy is not None and "Connection refused" in details:
            return "nothing listens at the proxy's port, or at the server's where no_proxy leaves it out; check both"
        return next((meaning for words, meaning in _CAUSES if words in details), _UNKNOWN_CAUSE)


def is_address(text: str) -> bool:
    """Return whether a text is host:port, the host a name, an IPv4 address, or an IPv6 one in brackets."""
    parts = _ADDRESS.fullmatch(text)
    return parts is not None and 1 <= int(parts[2]) <= 65535


def is_proxy(text: str) -> bool:
    """Return whether a text is http://host:port, with or without user:password@ before the host."""
    scheme, _, rest = text.partition("://")
    return scheme == "http" and is_address(rest.rpartition("@")[2].removesuffix("/"))


def proxy_place(proxy: str) -> str:
    """Return host:port of a proxy, without the login that may stand before it."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def proxy_options(proxy: str | None) -> tuple[tuple[str, int | str], ...]:
    """Return the options of a gRPC channel through this proxy, or through none whatever the environment says."""
    if proxy is None:
        return (("grpc.enable_http_proxy", 0),)
    return (("grpc.enable_http_proxy", 1), ("grpc.http_proxy", proxy))
