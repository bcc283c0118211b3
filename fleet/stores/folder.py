"""A folder as a store: on this machine, a share, or a medium that is carried."""

from functools import partial
from pathlib import Path
from typing import Final

from base import durable
from base.errors import SidewallError
from base.system_errors import system_error
from fleet.stores.store import FileAbsentThere, read_small
from trust.errors import RegistryFailed

_CHUNK_BYTES: Final = 1 << 20


class FolderStore:
    """The files of a folder (a `Store`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            with (self._folder / name).open("rb") as file:
                return read_small(iter(partial(file.read, _CHUNK_BYTES), b""), name, self._folder)
        except FileNotFoundError as error:
            if not self._folder.is_dir():
                raise RegistryFailed(f"the folder {self._folder} is not there") from error
            raise FileAbsentThere(name) from error
        except OSError as error:
            raise self._failure(name, error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file durably."""
        target = self._folder / name
        try:
            durable.make_folder(target.parent)
            durable.write_file(target, content)
        except OSError as error:
            raise self._failure(name, error) from error

    def names(self, folder: str) -> list[str]:
        """Return the files of a folder in it, but for hidden ones, which may be half written."""
        try:
            found = sorted(each.name for each in (self._folder / folder).iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failure(folder, error) from error
        return [f"{folder}/{name}" for name in found if not name.startswith(".")]

    def _failure(self, name: str, error: OSError) -> SidewallError:
        told = system_error(error, str(self._folder / name))
        return told or RegistryFailed(f"{name} in {self._folder} cannot be read or written: {error.strerror}")
