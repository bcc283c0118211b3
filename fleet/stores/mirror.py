"""A plain web server as a store that is read only: the office's folder, copied there by whatever the site has."""

from urllib.parse import urlsplit

from base.errors import SettingInvalid
from fleet.stores.store import FileAbsentThere, read_small
from trust.registry.access import RegistryAccess
from trust.registry.asking import HttpPlace
from trust.registry.reference import Reference


class MirrorStore:
    """The files below an address (a `Store`)."""

    def __init__(self, url: str, access: RegistryAccess) -> None:
        parts = urlsplit(url)
        self._url = url.rstrip("/")
        self._place = HttpPlace(Reference(parts.netloc, parts.path.strip("/"), None, None), access, self._url)

    def close(self) -> None:
        """End the connections."""
        self._place.close()

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        response = self._place.get(name)
        if response is None:
            raise FileAbsentThere(name)
        return read_small(self._place.chunks(response, name), name, self._url)

    def write(self, name: str, content: bytes) -> None:
        """Raise `SettingInvalid`: nobody writes over HTTP here."""
        raise SettingInvalid("store", self._url, "a folder or oci:HOST[:PORT]/NAME: a web server is only read")

    def names(self, folder: str) -> list[str]:
        """Raise `SettingInvalid`: a web server lists nothing."""
        raise SettingInvalid("store", self._url, "a folder or oci:HOST[:PORT]/NAME: a web server lists no files")
