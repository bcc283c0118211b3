"""A place asked over HTTP, each time once, and what its answers mean, or its silence."""

from collections.abc import Iterator
from typing import Any, Final

import requests
import urllib3

from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.answers import require_answer, unanswered
from trust.registry.reference import Reference
from trust.registry.session import open_session, proxy_of

OCI_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_CHUNK_BYTES: Final = 1 << 20


def repository_url(reference: Reference, access: RegistryAccess) -> str:
    """Return where a registry answers for a repository (OCI distribution specification 1.1, "Endpoints")."""
    return f"{'http' if access.plain_http else 'https'}://{reference.host}/v2/{reference.name}"


class HttpPlace:
    """What answers at an address: a repository of a registry, or a folder of a web server."""

    def __init__(self, reference: Reference, access: RegistryAccess, url: str) -> None:
        """Open a session; nothing is asked yet. `reference` names the place in errors and finds its login.

        Raises `SettingInvalid` on an access that cannot be used.
        """
        self.url = url
        self._reference = reference
        self._session = open_session(reference, access)
        self.proxy = proxy_of(self._session, url)
        """host:port of the proxy through which the place is asked, if there is one."""

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def ask(self, method: str, url: str, **options: Any) -> requests.Response:
        """Return the answer, whatever it says; raises `RegistryFailed` without one."""
        try:
            return self._session.request(method, url, **options)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise unanswered(self._reference, error, self.proxy) from error

    def get(self, path: str, kind: str = "*/*") -> requests.Response | None:
        """Return the answer to a GET below the address, its content still to come; None where there is no such thing.

        It comes as it was pushed: a digest is that of the bytes as they stand.
        """
        headers = {"Accept": kind, "Accept-Encoding": "identity"}
        response = self.ask("GET", f"{self.url}/{path}", headers=headers, stream=True)
        if response.status_code == requests.codes.not_found:
            response.close()
            return None
        return response

    def require(self, response: requests.Response, name: str) -> None:
        """Raise `RegistryFailed` when the place refuses; the name is what was asked for."""
        require_answer(response, name, self._reference)

    def chunks(self, response: requests.Response, name: str) -> Iterator[bytes]:
        """Return the content of an answer, which is closed at its end.

        Raises `RegistryFailed` when the place refuses, and from the iterator when it breaks off.
        """
        self.require(response, name)
        return self._stream(response, name)

    def _stream(self, response: requests.Response, name: str) -> Iterator[bytes]:
        with response:
            try:
                yield from response.raw.stream(_CHUNK_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise RegistryFailed(f"the registry broke off in {name} of {self._reference}") from error
