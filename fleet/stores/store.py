"""What every place for files can do."""

from collections.abc import Iterable
from typing import Final, Protocol

from base.chunks import read_whole
from trust.errors import RegistryFailed

LARGEST_BYTES: Final = 8 << 20
"""Of one file: many times what any needs, so that a wrong answer fills no disk."""


class FileAbsentThere(Exception):
    """The place answers, and has no file of that name."""


class Store(Protocol):
    """Small files by name, such as `metadata/timestamp.json`; what is in them is proved by signatures, not here."""

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises `FileAbsentThere` where there is none, and `RegistryFailed` where nobody can say or it is too large.
        """
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a file in the place of whatever has its name; raises `RegistryFailed` or `SettingInvalid`."""
        ...

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the files directly in a folder, with it: `boxes/a.json`; empty without it."""
        ...


def read_small(chunks: Iterable[bytes], name: str, place: object) -> bytes:
    """Return the content of a file from its parts; raises `RegistryFailed` beyond `LARGEST_BYTES`."""
    too_large = RegistryFailed(f"{name} in {place} is larger than {LARGEST_BYTES} bytes")
    return read_whole(chunks, LARGEST_BYTES, too_large)
