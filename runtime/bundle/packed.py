"""A bundle as one tar file, and its careful unpacking.

A packed bundle is a plain POSIX tar (ustar) of manifest.json, manifest.sig and the files that the manifest lists, in
the order of their names, each under a header that holds nothing but its name and size. So the same bundle always gives
the same bytes, and the reader need not interpret a tar: it knows every header it may meet, and refuses all others.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from runtime.bundle.files import check_head_size
from runtime.bundle.loading import Bundle
from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry
from runtime.bundle.receiving import receive_bundle
from trust.errors import BundleRejected

BLOCK_BYTES: Final = tarfile.BLOCKSIZE
END: Final = bytes(2 * BLOCK_BYTES)
"""Two empty blocks end a tar."""

_CHUNK_BYTES: Final = 1 << 20


def tar_header(name: str, size: int) -> bytes:
    """Return the one header that a file of this name and size may have: mode 0644, owner and time zero."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def padding(size: int) -> bytes:
    """Return the zeros that fill the last block of a file."""
    return bytes(-size % BLOCK_BYTES)


def unpack_bundle(archive: Path, target: Path, trusted_keys: Path | None = None) -> Bundle:
    """Verify a packed bundle, write it to a folder that does not exist yet, and return it opened there.

    Raises `BundleRejected` with the reason; nothing is then left, and nothing was ever written outside a fresh folder
    beside the target.
    """
    try:
        stream = archive.open("rb")
    except OSError as error:
        raise BundleRejected(f"there is no packed bundle at {archive}") from error
    with stream:
        return receive_bundle(_Archive(stream), target, trusted_keys)


class _Archive:
    """A stream of the one tar that a bundle gives."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._seen: list[str] = []

    def head(self) -> tuple[bytes, bytes]:
        """Return manifest.json and manifest.sig, which come first."""
        return self._head_file(MANIFEST_NAME), self._head_file(SIGNATURE_NAME)

    def chunks(self, entry: FileEntry) -> Iterator[bytes]:
        """Return the content of the file that must come next."""
        self._expect(entry.path, self._take(BLOCK_BYTES, entry.path), entry.bytes)
        left = entry.bytes
        while left:
            chunk = self._take(min(left, _CHUNK_BYTES), entry.path)
            left -= len(chunk)
            yield chunk
        self._skip_padding(entry.path, entry.bytes)

    def finish(self) -> None:
        """Raise `BundleRejected` unless the tar ends here."""
        block = self._take(BLOCK_BYTES, "its end")
        if any(block):
            raise self._complaint(block, None, 0)
        if self._take(BLOCK_BYTES, "its end") + self._stream.read(1) != bytes(BLOCK_BYTES):
            raise BundleRejected("the packed bundle goes on after its end")

    def _head_file(self, name: str) -> bytes:
        block = self._take(BLOCK_BYTES, name)
        size = _parse(block).size
        check_head_size(name, size)
        self._expect(name, block, size)
        content = self._take(size, name)
        self._skip_padding(name, size)
        return content

    def _expect(self, name: str, block: bytes, size: int) -> None:
        if block != tar_header(name, size):
            raise self._complaint(block, name, size)
        self._seen.append(name)

    def _skip_padding(self, name: str, size: int) -> None:
        filling = padding(size)
        if self._take(len(filling), name) != filling:
            raise BundleRejected(f"the packed bundle hides bytes after {name}")

    def _take(self, size: int, name: str) -> bytes:
        content = self._stream.read(size)
        if len(content) != size:
            raise BundleRejected(f"the packed bundle is cut off at {name}")
        return content

    def _complaint(self, block: bytes, expected: str | None, size: int) -> BundleRejected:
        """Return what is wrong with a header; `expected` None stands for the end."""
        if not any(block):
            return BundleRejected(f"the packed bundle lacks {expected}")
        entry = _parse(block)
        name, said = entry.name, f"{entry.name!r} in the packed bundle"
        if name.startswith("/") or ".." in name.split("/"):
            return BundleRejected(f"{said} lies outside the bundle")
        if entry.issym() or entry.islnk():
            return BundleRejected(f"{said} is a link; allowed: plain files")
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            return BundleRejected(f"{said} is a folder, a device or an extension of tar; allowed: plain files")
        if name in self._seen:
            return BundleRejected(f"{said} stands there twice")
        if expected is None:
            return BundleRejected(f"{said} is not listed in the manifest")
        if name != expected:
            return BundleRejected(f"{said} stands where {expected} must be: packed by something else, or not listed")
        if entry.size != size:
            return BundleRejected(f"file {name} of the bundle has {entry.size} bytes; signed for {size}")
        return BundleRejected(f"{said} has an owner, a time or a mode: not packed by sidewall-export")


def _parse(block: bytes) -> tarfile.TarInfo:
    try:
        entry = tarfile.TarInfo.frombuf(block, "ascii", "backslashreplace")
    except (tarfile.HeaderError, ValueError) as error:
        raise BundleRejected("the packed bundle is not a tar file, or a header in it is damaged") from error
    if entry.size < 0:
        raise BundleRejected("the packed bundle is not a tar file, or a header in it is damaged")
    return entry
