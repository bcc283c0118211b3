"""HTTP sessions with a registry: encrypted and verified, logged in where asked for, never waiting for ever."""

import ipaddress
import json
import re
import ssl
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from base.errors import FileAbsent, SettingInvalid
from trust.registry.access import RegistryAccess
from trust.registry.credentials import find_login
from trust.registry.reference import Reference

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 60.0
"""Longest wait for the next bytes."""

_LARGEST_TOKEN_BYTES: Final = 1 << 20
_SCHEME: Final = re.compile(r"(?:^|,)\s*(basic|bearer)\s", re.IGNORECASE)
_FIELD: Final = re.compile(r'(\w+)="([^"]*)"')


def open_session(reference: Reference, access: RegistryAccess) -> requests.Session:
    """Return a session for one repository.

    It speaks https alone, also where a registry sends it elsewhere, and to a proxy that the environment names; over
    plain http it reaches the registry of this machine and nobody else. Raises `SettingInvalid`.
    """
    if access.plain_http and not is_loopback(reference.host):
        raise SettingInvalid("registry_plain_http", reference.host, "a registry on this machine; others need https")
    _check_authorities(access.ca_file)
    session = requests.Session()
    session.adapters.clear()
    session.mount(f"http://{reference.host}/" if access.plain_http else "https://", _Adapter(access.ca_file))
    session.trust_env = not is_loopback(reference.host)  # A proxy has no business between a machine and itself.
    # Some registries take whoever keeps a cookie for a browser.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _RegistryAuth(session, reference.host, find_login(reference, access.auth_file))
    return session


def proxy_of(session: requests.Session, url: str) -> str | None:
    """Return host:port of the proxy that the environment puts before an address; None where it is asked directly."""
    proxies = requests.utils.get_environ_proxies(url) if session.trust_env else {}
    proxy = requests.utils.select_proxy(url, proxies)
    # Without the login that may stand before the host.
    return None if not proxy else urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[2]


def is_loopback(host: str) -> bool:
    """Tell whether HOST[:PORT] is this machine's own."""
    name = host.rpartition(":")[0] or host
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_authorities(file: Path | None) -> None:
    if file is None:
        return
    try:
        ssl.create_default_context(cafile=str(file))
    except FileNotFoundError as error:
        raise FileAbsent("registry_ca", str(file), "a file with certificates (PEM) that is there") from error
    except OSError as error:
        raise SettingInvalid("registry_ca", str(file), "a readable file with certificates (PEM)") from error


class _Adapter(HTTPAdapter):
    """Gives every request its timeout, and certificates of one authority where a file names it."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        super().__init__()

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send with a timeout; the file named beats REQUESTS_CA_BUNDLE."""
        options |= {"timeout": (_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S)}
        return super().send(request, **options | ({"verify": str(self._ca_file)} if self._ca_file else {}))


@dataclass(frozen=True)
class _Challenge:
    """What a registry that answers 401 wants (RFC 7235 section 4.1)."""

    scheme: str
    fields: dict[str, str]


class _RegistryAuth(AuthBase):
    """Logs in when asked: Basic, or a token from where the registry says (CNCF distribution, "Token authentication").

    A token goes to the registry's own host alone, wherever that sends the session for content.
    """

    def __init__(self, session: requests.Session, host: str, login: str | None) -> None:
        self._session, self._host, self._login = session, host, login
        self._header: str | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add what was asked for last time, and listen to the answer."""
        if self._header is not None and self._is_ours(request.url):
            request.headers["Authorization"] = self._header
        request.register_hook("response", self._answer)
        return request

    def _answer(self, response: requests.Response, **options: Any) -> requests.Response:
        if response.status_code != requests.codes.unauthorized or not self._is_ours(response.url):
            return response
        challenge = _parse_challenge(response.headers.get("WWW-Authenticate", ""))
        self._header = None if challenge is None else self._authorization(challenge)
        if self._header is None:
            return response
        response.close()
        again = response.request.copy()
        again.headers["Authorization"] = self._header
        return self._session.get_adapter(again.url or "").send(again, **options)

    def _authorization(self, challenge: _Challenge) -> str | None:
        basic = None if self._login is None else f"Basic {self._login}"
        if challenge.scheme == "basic":
            return basic
        wanted = {name: challenge.fields[name] for name in ("service", "scope") if name in challenge.fields}
        realm = challenge.fields.get("realm", "")
        with self._session.get(realm, params=wanted, auth=_Fixed(basic), stream=True) as response:
            content = response.raw.read(_LARGEST_TOKEN_BYTES, decode_content=True) if response.ok else b""
        token = _parse_token(content)
        return None if token is None else f"Bearer {token}"

    def _is_ours(self, url: str | None) -> bool:
        return urlsplit(url or "").netloc.lower() == self._host.lower()


class _Fixed(AuthBase):
    """One header, or none: keeps the session from using its own way to log in."""

    def __init__(self, header: str | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        if self._header is not None:
            request.headers["Authorization"] = self._header
        return request


def _parse_challenge(header: str) -> _Challenge | None:
    """Return the challenge to fetch a token if there is one, else that of Basic."""
    schemes = [each.lower() for each in _SCHEME.findall(header)]
    if not schemes:
        return None
    return _Challenge("bearer" if "bearer" in schemes else "basic", dict(_FIELD.findall(header)))


def _parse_token(content: bytes) -> str | None:
    """Return `token` or `access_token` of an answer, if it is one that a header can hold (RFC 6750 section 2.1)."""
    try:
        answer = json.loads(content)
        token = answer.get("token") or answer.get("access_token")
    except (ValueError, AttributeError):
        return None
    return token if isinstance(token, str) and re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token) else None
