"""What goes to the server: instances and voxels, cut into messages."""

from __future__ import annotations

import errno
import gzip
import io
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath, PurePosixPath
from typing import Final, Literal

from sidewall.convert import fill_message
from sidewall.json_schema import shown
from sidewall.options import CaseOptions, Source
from sidewall.v1 import analysis_pb2

CHUNK_BYTES = 1 << 16
"""Size of a message's payload. A server sees whole messages only, and drops a transfer in which none comes for 10 s:
these need less than 7 KiB/s.
"""

OnLeftAside = Callable[[str, str], None]
"""Takes the path, from the folder or zip file on, and the kind of a file that is not sent. A path may hold a patient's
name.
"""

COMPANION = "other file"
SPECIAL_FILE = "special file"
REPEATED_LINK = "repeated folder link"
"""Kinds of files that are not sent: by its name it only accompanies images; a pipe, socket or device; a link back."""

_COMPANION_NAMES = frozenset({"THUMBS.DB", "DESKTOP.INI", "README", "LICENSE", "LOCKFILE", "VERSION"})
_COMPANION_SUFFIXES = frozenset({
    ".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html", ".htm", ".css", ".js", ".pdf",
    ".doc", ".docx", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".ico", ".tif", ".tiff", ".exe", ".dll", ".inf", ".ini",
    ".log", ".db", ".zip", ".gz", ".nii", ".nrrd", ".mha", ".bval", ".bvec", ".sha256", ".md5", ".lnk", ".url",
})  # fmt: skip
"""Names, in a directory or zip file, that the server's own reading takes for companions of images, too."""

_MEMBERS_LOOKED_AT: Final = 64
_PACKAGE_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)


@dataclass(frozen=True)
class StudyChoice:
    """Says that what is sent is a study, of which the server analyses one series."""

    series_uid: str | None = None
    """SeriesInstanceUID of the one; None lets the server choose the one that fits best."""

    def to_message(self) -> analysis_pb2.StudyChoice:
        """Return the wire form."""
        return analysis_pb2.StudyChoice(series_instance_uid=self.series_uid)


@dataclass(frozen=True)
class Geometry:
    """Place of a voxel array (z, y, x) in the patient: LPS, mm."""

    shape_zyx: tuple[int, int, int]
    spacing_mm_zyx: tuple[float, float, float]
    """Distance between voxel centres."""

    origin_lps_mm: tuple[float, float, float]
    """Centre of voxel [0, 0, 0]."""

    direction: tuple[tuple[float, float, float], ...]
    """3x3 by rows (LPS components x, y, z); columns are the unit vectors of index axes z, y, x."""

    voxel_type: Literal["uint8", "int16", "uint16", "float32"] = "float32"
    """Little-endian."""

    is_phantom: bool = False
    """Whether the subject is a quality control phantom."""

    def to_message(self, options: CaseOptions) -> analysis_pb2.VolumeStart:
        """Return the wire form; raises `ValueError` naming what is not allowed."""
        if options.prior_images is not None:
            raise ValueError("prior_images go along with a series or a study; allowed with voxels: prior")
        message = analysis_pb2.VolumeStart(options=options.to_message(), is_phantom=self.is_phantom)
        for name in ("shape_zyx", "spacing_mm_zyx", "origin_lps_mm", "direction", "voxel_type"):
            try:
                fill_message(message, {name: getattr(self, name)})
            except (TypeError, ValueError, AttributeError) as error:
                raise ValueError(f"{name} is {shown(getattr(self, name))}: {error}") from None
        return message


class SeriesUpload:
    """The messages of one series, or of a study, read from disk while they are sent.

    gRPC hides an error raised while it asks for messages; it is kept in `failure` instead and the transfer ends early,
    which the server refuses as incomplete.
    """

    def __init__(
        self,
        source: Source | Iterable[Source],
        options: CaseOptions,
        on_left_aside: OnLeftAside | None = None,
        study: StudyChoice | None = None,
    ) -> None:
        """Take what to send; without `study` it is one series.

        Raises `FileNotFoundError` when a path does not exist, `zipfile.BadZipFile` for a damaged zip file.

        Raises `OSError` for a path that is a pipe, a socket or a device, `ValueError` for an option that is not
        allowed.
        """
        self._options = options.to_message()
        self._listing = _Listing(on_left_aside or _name_nowhere)
        self._listing.add(source)
        self._study = study
        self._earlier: _Listing | None = None
        if options.prior_images is not None:
            self._earlier = _Listing(_name_nowhere)
            self._earlier.add(options.prior_images)
        self.failure: OSError | zipfile.BadZipFile | None = None

    def __iter__(self) -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
        """Yield the start and then the chunks of every instance, those of the earlier study last."""
        yield analysis_pb2.AnalyzeSeriesRequest(start=self._start())
        try:
            for part in _parts(self._listing):
                yield analysis_pb2.AnalyzeSeriesRequest(instance=part)
            for part in _parts(self._earlier) if self._earlier else ():
                yield analysis_pb2.AnalyzeSeriesRequest(earlier_instance=part)
        except (OSError, zipfile.BadZipFile) as failure:
            self.failure = failure

    def _start(self) -> analysis_pb2.SeriesStart:
        aside = self._listing.aside
        return analysis_pb2.SeriesStart(
            options=self._options,
            instance_count=len(self._listing.instances),
            left_aside=analysis_pb2.LeftAside(
                companions=aside[COMPANION],
                special_files=aside[SPECIAL_FILE],
                repeated_folder_links=aside[REPEATED_LINK],
            ),
            study=None if self._study is None else self._study.to_message(),
            earlier=None
            if self._earlier is None
            else analysis_pb2.EarlierImages(instance_count=len(self._earlier.instances)),
        )


def _parts(listing: _Listing) -> Iterator[analysis_pb2.InstanceChunk]:
    """Yield the chunks of all instances; raises what reading them raises."""
    for instance in listing.instances:
        for chunk, last in _chunks(instance.read()):
            yield analysis_pb2.InstanceChunk(data=chunk, last=last)


def volume_requests(
    voxels: bytes | memoryview, geometry: Geometry, options: CaseOptions
) -> Iterator[analysis_pb2.AnalyzeVolumeRequest]:
    """Return the start and then the voxels in chunks.

    Raises `ValueError`, at once and not while they are sent, when options or geometry are not allowed.
    """
    start = geometry.to_message(options)
    parts = (analysis_pb2.AnalyzeVolumeRequest(voxels=chunk) for chunk, _ in _chunks(voxels))
    return chain([analysis_pb2.AnalyzeVolumeRequest(start=start)], parts)


@dataclass(frozen=True)
class _Instance:
    """One instance that is read when its turn comes."""

    source: Path | bytes
    member: str | None = None
    """Name inside the zip file `source`."""

    def read(self) -> bytes:
        """Return the instance's bytes, taken out of its zip file where it lies in one."""
        if isinstance(self.source, bytes):
            return self.source
        if self.member is None:
            return self.source.read_bytes()
        with zipfile.ZipFile(self.source) as archive:
            return archive.read(self.member)

    def holds_image(self) -> bool:
        """Return whether the file begins as PS3.10 asks, 128 bytes, then DICM, or is a package of such files."""
        content = self.read()
        return content[128:132] == b"DICM" or _packs_instance(content)


class _Listing:
    """The instances of a directory (with its sub-directories), a zip file, one file, or a list of these."""

    def __init__(self, tell: OnLeftAside) -> None:
        self.instances: list[_Instance] = []
        self.aside: Counter[str] = Counter()
        """Files of folders and zip files that are not sent, by kind."""
        self._tell = tell

    def add(self, source: Source | Iterable[Source]) -> None:
        """Add what a source holds; raises as `SeriesUpload` does."""
        if isinstance(source, bytes):
            self.instances.append(_Instance(source))
        elif isinstance(source, (str, Path)):
            self._add_path(Path(source))
        else:
            for part in source:
                self.add(part)

    def _add_path(self, path: Path) -> None:
        if path.is_dir():
            self._add_images([(_Instance(file), file.relative_to(path)) for file in sorted(self._below(path))])
        elif not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        elif not path.is_file():
            # Reading a pipe would wait for whoever writes to it, which may be nobody.
            raise OSError(errno.EINVAL, "a pipe, socket or device, and no file", str(path))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            self._add_images([(_Instance(path, name), PurePosixPath(name)) for name in names])
        else:
            self.instances.append(_Instance(path))

    def _below(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder and behind links, each folder once, so that no loop is endless.

        A link that leads nowhere is yielded, too. Raises `OSError` on a folder that cannot be listed, which could hold
        a part.
        """

        def fail(error: OSError) -> None:
            raise error

        entered: set[tuple[int, int]] = set()
        for parent, folders, names in os.walk(folder, followlinks=True, onerror=fail):
            status = Path(parent).stat()
            if (status.st_dev, status.st_ino) in entered:
                folders.clear()
                self._leave_aside(Path(parent).relative_to(folder), REPEATED_LINK)
                continue
            entered.add((status.st_dev, status.st_ino))
            folders.sort()
            for file in (Path(parent, name) for name in names):
                if file.is_file() or not file.exists():
                    yield file
                else:
                    self._leave_aside(file.relative_to(folder), SPECIAL_FILE)

    def _add_images(self, named: list[tuple[_Instance, PurePath]]) -> None:
        """Leave out what only accompanies images (a README, a checksum); when nothing else is there, keep all of it.

        Every other file is sent, DICOM or not: it could be a damaged slice, and the server has to say so. So is a
        package of DICOM files, which could hold a part of the series.
        """
        beside = {name for instance, name in named if _is_companion(name) and not instance.holds_image()}
        if len(beside) == len(named):
            beside = set()
        self.instances += [instance for instance, name in named if name not in beside]
        for name in sorted(beside):
            self._leave_aside(name, COMPANION)

    def _leave_aside(self, name: PurePath, kind: str) -> None:
        self.aside[kind] += 1
        self._tell(str(name), kind)


def _name_nowhere(_: str, __: str) -> None:
    """Leave a file aside without its name."""


def _is_companion(name: PurePath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return hidden or name.name.upper() in _COMPANION_NAMES or name.suffix.lower() in _COMPANION_SUFFIXES


def _packs_instance(content: bytes) -> bool:
    """Return whether a gzip or zip file holds a DICOM file among its first members; a damaged one does not."""
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(content)) as packed:
                return packed.read(132)[128:] == b"DICM"
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return any(
                    _head(archive, member)[128:] == b"DICM" for member in archive.infolist()[:_MEMBERS_LOOKED_AT]
                )
    except _PACKAGE_ERRORS:
        return False
    return False


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        return stream.read(132)


def _chunks(data: bytes | memoryview) -> Iterator[tuple[bytes, bool]]:
    """Yield (chunk, is last); empty data give one empty last chunk."""
    view = memoryview(data).cast("B") if len(data) else memoryview(b"")
    for start in range(0, max(len(view), 1), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES]), start + CHUNK_BYTES >= len(view)
