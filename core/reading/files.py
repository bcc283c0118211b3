"""From a directory, a zip archive or a list of instances to the contents of files, within limits.

Nothing is unpacked to disk and no name inside an archive is used as a path.
"""

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from types import MappingProxyType
from typing import Final

from base.system_errors import PASSING, system_error
from core.errors import CaseRefused, Reason, RefusalCode
from core.reading.limits import ReadingLimits

_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_COMPANION_NAMES: Final = frozenset(
    {"DICOMDIR", "THUMBS.DB", "DESKTOP.INI", "README", "LICENSE", "LOCKFILE", "VERSION"}
)
_DICOM_SUFFIX: Final = re.compile(
    r"\.(dcm|dicom|dic|ima|img|mr)(\.\w{1,10})?~?\Z|\.(tmp|temp|part|partial|filepart|crdownload|download)\Z",
    re.IGNORECASE,
)
"""Suffix of files that claim to be images, the first of two, too, or that are on their way and may become one."""

_NO_SUFFIX: Final = re.compile(r"(\.\d+)?\Z")
"""Suffix of files that may be images: none, or a number (the end of a UID)."""

_ZIP_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What `zipfile` raises on damaged, encrypted or exotically packed archives."""

OTHER_FILE: Final = "other file"
SPECIAL_FILE: Final = "special file"
REPEATED_LINK: Final = "repeated folder link"
"""Kinds of files that are left aside: beside images by its name alone; a pipe, socket or device; a link back."""

NOTHING_ASIDE: Final[Mapping[str, int]] = MappingProxyType({})

NameAside = Callable[[str, str], None]
"""Takes the name and the kind of a file that is left aside. A name may hold a patient's: it is for the terminal of the
person alone whose files they are, and goes into nothing that is kept or sent."""


def name_no_file(name: str, kind: str) -> None:
    """Leave a file without its name."""


@dataclass(frozen=True)
class InputFile:
    """One file of the input."""

    content: bytes
    is_companion: bool
    """Whether its place and name say that it only accompanies images, so that it may be no DICOM image."""

    is_claimed: bool = True
    """Whether it was given as an instance, or is called one: then a text or a picture is no stray, but a fault."""

    aside: str = ""
    """What it is where it cannot be a file of the input, such as a link that leads back; its content is empty then."""

    name: str = field(default="", repr=False)
    """Its path in the input, for `NameAside` alone; empty for a content without one."""


@dataclass(frozen=True)
class StoredFile:
    """One file of the input that has not been read; a member of an archive can be read while the walk stands at it."""

    origin: Path | bytes | zipfile.ZipInfo
    is_companion: bool
    """As in `InputFile`."""

    is_claimed: bool = True
    """As in `InputFile`."""

    aside: str = ""
    """As in `InputFile`; it is not to be read."""

    archive: zipfile.ZipFile | None = None
    """The open archive of a member."""

    name: str = field(default="", repr=False)
    """As in `InputFile`."""

    @property
    def stated_bytes(self) -> int:
        """What is known of its size before it is read; 0 for a member, since the directory of an archive can lie."""
        if isinstance(self.origin, Path):
            with _reading_file():
                return self.origin.stat().st_size
        return len(self.origin) if isinstance(self.origin, bytes) else 0

    def read(self, max_bytes: int) -> bytes:
        """Return the content, at most its first `max_bytes`; raises `CaseRefused` with `not_dicom` where it cannot."""
        if isinstance(self.origin, bytes):
            return self.origin[:max_bytes]
        if isinstance(self.origin, Path):
            with _reading_file(), self.origin.open("rb") as stream:
                return stream.read(max_bytes)
        if self.archive is None:
            raise ValueError("a member is read from its open archive")
        with _unpacking(), self.archive.open(self.origin) as stream:
            return stream.read(max_bytes)


def collect_files(source: Path | Sequence[Path | bytes], limits: ReadingLimits) -> tuple[InputFile, ...]:
    """Return the contents of a directory (recursively), a zip archive, one file, or a list of files and contents.

    Raises `CaseRefused` with `empty_input`, `not_dicom` (a damaged archive, an unreadable file) or `too_large`.
    """
    budget = Budget(limits)
    files = tuple(
        InputFile(b"" if file.aside else budget.read(file), file.is_companion, file.is_claimed, file.aside, file.name)
        for file in walk_files(source, budget)
    )
    if not files:
        raise _refusal(RefusalCode.EMPTY_INPUT, "the input holds no file; allowed: the instances of one DICOM series")
    return files


class Budget:
    """Counts files and bytes and refuses when there are too many."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._files = 0
        self._bytes_left = limits.max_input_bytes

    def take_file(self) -> None:
        """Count one more file; raises `CaseRefused` when there are too many."""
        self._files += 1
        if self._files > self._limits.max_files:
            raise _refusal(
                RefusalCode.TOO_LARGE, f"more than {self._limits.max_files} files; allowed: at most that many"
            )

    def read(self, file: StoredFile) -> bytes:
        """Return the content of a file and count its bytes; raises `CaseRefused` when they are too many."""
        self._check(file.stated_bytes)
        # What is stated can be wrong: read no more than is still allowed.
        content = file.read(self._bytes_left + 1)
        self.take_bytes(len(content))
        return content

    def take_bytes(self, count: int) -> None:
        """Count more bytes; raises `CaseRefused` when there are too many."""
        self._check(count)
        self._bytes_left -= count

    def _check(self, count: int) -> None:
        if count > self._bytes_left:
            allowed = self._limits.max_input_bytes / 2**20
            raise _refusal(RefusalCode.TOO_LARGE, f"the input is larger than {allowed:g} MiB; allowed: at most that")


def walk_files(source: Path | Sequence[Path | bytes], budget: Budget) -> Iterator[StoredFile]:
    """Yield the files of a source in a fixed order and count them; nothing is read.

    Raises `CaseRefused` with `empty_input` (nothing is there), `not_dicom` (a damaged archive) or `too_large`.
    """
    for file in _stored_files(source):
        budget.take_file()
        yield file


def _stored_files(source: Path | Sequence[Path | bytes]) -> Iterator[StoredFile]:
    if not isinstance(source, Path):
        for item in source:
            if isinstance(item, Path):
                _require_file(item)
                yield StoredFile(item, is_companion=False, name=item.name)
            else:
                # A content without a name claims nothing: callers send strays of a folder so, too.
                yield StoredFile(bytes(item), is_companion=False, is_claimed=False)
    elif source.is_dir():
        yield from _files_of_directory(source)
    elif not source.exists():
        raise _refusal(
            RefusalCode.EMPTY_INPUT, "nothing exists at the given path; allowed: a directory, a zip or a file"
        )
    elif _is_zip(source):
        yield from _members(source)
    else:
        _require_file(source)
        yield StoredFile(source, is_companion=False, name=source.name)


def _require_file(path: Path) -> None:
    """Raise `CaseRefused` for a pipe, a socket or a device, which might never end; what is absent fails when read."""
    with _reading_file():
        is_special = path.exists() and not path.is_file()
    if is_special:
        raise _refusal(RefusalCode.NOT_DICOM, f"the input is a {SPECIAL_FILE}; allowed: a directory, a zip or a file")


def _files_of_directory(folder: Path) -> Iterator[StoredFile]:
    """Yield the files of a folder and of those in it, behind links, too; each folder once, so that no loop is endless.

    Raises `CaseRefused` with `not_dicom` for a folder that cannot be read.
    """
    entered: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_refuse_unlisted):
        if not _enter(Path(parent), entered):
            folders.clear()
            name = str(Path(parent).relative_to(folder))
            yield StoredFile(b"", is_companion=True, aside=REPEATED_LINK, name=name)
            continue
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            inside = path.relative_to(folder)
            with _reading_file():
                is_read = path.is_file() or not path.exists()  # a link that leads nowhere fails where it is read
            if is_read:
                yield StoredFile(path, _is_companion(inside), _is_claimed(inside), name=str(inside))
            else:
                yield StoredFile(b"", is_companion=True, aside=SPECIAL_FILE, name=str(inside))


def _enter(folder: Path, entered: set[tuple[int, int]]) -> bool:
    """Return whether a folder is entered for the first time, by whatever way."""
    with _reading_file():
        status = folder.stat()
    known = (status.st_dev, status.st_ino) in entered
    entered.add((status.st_dev, status.st_ino))
    return not known


def _refuse_unlisted(error: OSError) -> None:
    """Raise what a file would that cannot be read: a folder passed over could hold a part of the series."""
    with _reading_file():
        raise error


def _members(path: Path) -> Iterator[StoredFile]:
    with _unpacking():
        archive = zipfile.ZipFile(path)
    with archive:
        for member in archive.infolist():
            if not member.is_dir():
                inside = PurePosixPath(member.filename)
                is_companion, is_claimed = _is_companion(inside), _is_claimed(inside)
                yield StoredFile(member, is_companion, is_claimed, archive=archive, name=str(inside))


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(4) in _ZIP_MAGIC
    except OSError:
        return False  # said by the read that follows


@contextmanager
def _unpacking() -> Iterator[None]:
    """Turn what goes wrong in an archive into a refusal."""
    try:
        yield
    except _ZIP_ERRORS as error:
        _raise_passing(error)
        message = (
            f"the zip archive cannot be unpacked ({type(error).__name__}); allowed: an intact archive, not encrypted"
        )
        raise _refusal(RefusalCode.NOT_DICOM, message) from error


@contextmanager
def _reading_file() -> Iterator[None]:
    """Turn what goes wrong with a file into a refusal that does not name it."""
    try:
        yield
    except OSError as error:
        _raise_passing(error)
        message = f"a file of the input cannot be read ({type(error).__name__}); allowed: readable DICOM files"
        raise _refusal(RefusalCode.NOT_DICOM, message) from error


def _raise_passing(error: Exception) -> None:
    """Raise what the system is to blame for and not the input, without the name of a file."""
    failure = system_error(error, "the input")
    if isinstance(failure, PASSING):
        raise failure from error


def _is_companion(path: PurePath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    suffixed = not _NO_SUFFIX.match(path.suffix) and not _is_claimed(path)
    return hidden or path.name.upper() in _COMPANION_NAMES or suffixed


def _is_claimed(path: PurePath) -> bool:
    return bool(_DICOM_SUFFIX.match(path.suffix))


def _refusal(code: RefusalCode, message: str) -> CaseRefused:
    return CaseRefused([Reason(code, message)])
