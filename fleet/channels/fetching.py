"""python-tuf's way to a store: what it asks for by address is read there by name."""

from collections.abc import Iterator
from typing import Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from fleet.stores.store import FileAbsentThere, Store

ADDRESS: Final = "store:///"
"""Before every name, since python-tuf wants addresses."""


class StoreFetcher(FetcherInterface):
    """Reads the files of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            return iter([self._store.read(url.removeprefix(ADDRESS))])
        except FileAbsentThere as error:
            raise DownloadHTTPError(f"{url} is not there", 404) from error
