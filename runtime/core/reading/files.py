"""From a directory, a zip archive or a list of instances to the contents of files, within limits.

Nothing is unpacked to disk and no name inside an archive is used as a path.
"""

import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from runtime.core.errors import CaseRefused, Reason, RefusalCode
from runtime.core.reading.limits import ReadingLimits

_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_COMPANION_NAMES: Final = frozenset(
    {"DICOMDIR", "THUMBS.DB", "DESKTOP.INI", "README", "LICENSE", "LOCKFILE", "VERSION"}
)
_IMAGE_SUFFIX: Final = re.compile(r"(\.(dcm|dicom|dic|ima|img|mr|\d+))?\Z", re.IGNORECASE)
"""Suffix of files that claim to be images: none, a DICOM one, or a number (the end of a UID)."""

_ZIP_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What `zipfile` raises on damaged, encrypted or exotically packed archives."""


@dataclass(frozen=True)
class InputFile:
    """One file of the input."""

    content: bytes
    is_companion: bool
    """Whether its place and name say that it only accompanies images, so that it may be no DICOM image."""


def collect_files(source: Path | Sequence[Path | bytes], limits: ReadingLimits) -> tuple[InputFile, ...]:
    """Return the contents of a directory (recursively), a zip archive, one file, or a list of files and contents.

    Raises `CaseRefused` with `empty_input`, `not_dicom` (a damaged archive, an unreadable file) or `too_large`.
    """
    budget = _Budget(limits)
    files = tuple(_walk(source, budget))
    if not files:
        raise _refusal(RefusalCode.EMPTY_INPUT, "the input holds no file; allowed: the instances of one DICOM series")
    return files


class _Budget:
    """Counts files and bytes and refuses when there are too many."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._files = 0
        self.bytes_left = limits.max_input_bytes

    def take_file(self) -> None:
        """Count one more file; raises `CaseRefused` when there are too many."""
        self._files += 1
        if self._files > self._limits.max_files:
            raise _refusal(
                RefusalCode.TOO_LARGE, f"more than {self._limits.max_files} files; allowed: at most that many"
            )

    def take_bytes(self, count: int) -> None:
        """Count more bytes; raises `CaseRefused` when there are too many."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            allowed = self._limits.max_input_bytes / 2**20
            raise _refusal(RefusalCode.TOO_LARGE, f"the input is larger than {allowed:g} MiB; allowed: at most that")


def _walk(source: Path | Sequence[Path | bytes], budget: _Budget) -> Iterator[InputFile]:
    if not isinstance(source, Path):
        for item in source:
            budget.take_file()
            if isinstance(item, Path):
                yield InputFile(_read(item, budget), is_companion=False)
            else:
                budget.take_bytes(len(item))
                yield InputFile(bytes(item), is_companion=False)
    elif source.is_dir():
        yield from _walk_directory(source, budget)
    elif not source.exists():
        raise _refusal(
            RefusalCode.EMPTY_INPUT, "nothing exists at the given path; allowed: a directory, a zip or a file"
        )
    elif _is_zip(source):
        yield from _walk_zip(source, budget)
    else:
        budget.take_file()
        yield InputFile(_read(source, budget), is_companion=False)


def _walk_directory(folder: Path, budget: _Budget) -> Iterator[InputFile]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            if path.is_file():
                budget.take_file()
                yield InputFile(_read(path, budget), _is_companion(path.relative_to(folder)))


def _walk_zip(archive: Path, budget: _Budget) -> Iterator[InputFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                if not member.is_dir():
                    budget.take_file()
                    # The size in the directory of the archive can lie: read no more than is still allowed.
                    with opened.open(member) as stream:
                        content = stream.read(budget.bytes_left + 1)
                    budget.take_bytes(len(content))
                    yield InputFile(content, _is_companion(PurePosixPath(member.filename)))
    except _ZIP_ERRORS as error:
        message = (
            f"the zip archive cannot be unpacked ({type(error).__name__}); allowed: an intact archive, not encrypted"
        )
        raise _refusal(RefusalCode.NOT_DICOM, message) from error


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) in _ZIP_MAGIC
    except OSError:
        return False  # said by the read that follows


def _read(path: Path, budget: _Budget) -> bytes:
    try:
        budget.take_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        message = f"a file of the input cannot be read ({type(error).__name__}); allowed: readable DICOM files"
        raise _refusal(RefusalCode.NOT_DICOM, message) from error


def _is_companion(path: PurePath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return hidden or path.name.upper() in _COMPANION_NAMES or not _IMAGE_SUFFIX.match(path.suffix)


def _refusal(code: RefusalCode, message: str) -> CaseRefused:
    return CaseRefused([Reason(code, message)])
