"""A plain web server as a store that is read only: the office's folder, copied there by whatever the site has."""

from urllib.parse import urlsplit

import requests
import urllib3

from base.errors import SettingInvalid
from fleet.stores.store import LARGEST_BYTES, FileAbsentThere
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.answers import require_answer, unanswered
from trust.registry.reference import Reference
from trust.registry.session import open_session, proxy_of


class MirrorStore:
    """The files below an address (a `Store`)."""

    def __init__(self, url: str, access: RegistryAccess) -> None:
        parts = urlsplit(url)
        self._url = url.rstrip("/")
        self._reference = Reference(parts.netloc, parts.path.strip("/"), None, None)
        self._session = open_session(self._reference, access)
        self._proxy = proxy_of(self._session, url)

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            with self._session.get(f"{self._url}/{name}", stream=True) as response:
                if response.status_code == requests.codes.not_found:
                    raise FileAbsentThere(name)
                require_answer(response, name, self._reference)
                content: bytes = response.raw.read(LARGEST_BYTES + 1, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise unanswered(self._reference, error, self._proxy) from error
        if len(content) > LARGEST_BYTES:
            raise RegistryFailed(f"{name} at {self._url} is larger than {LARGEST_BYTES} bytes")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Raise `SettingInvalid`: nobody writes over HTTP here."""
        raise SettingInvalid("store", self._url, "a folder or oci:HOST[:PORT]/NAME: a web server is only read")

    def names(self, folder: str) -> list[str]:
        """Raise `SettingInvalid`: a web server lists nothing."""
        raise SettingInvalid("store", self._url, "a folder or oci:HOST[:PORT]/NAME: a web server lists no files")
