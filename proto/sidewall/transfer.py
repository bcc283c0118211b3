"""What goes to the server: instances and voxels, cut into messages."""

from __future__ import annotations

import errno
import gzip
import io
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Final, Literal

from sidewall.convert import fill_message, findings_to_message, known_part
from sidewall.errors import RefusalReason
from sidewall.findings_check import FindingsInvalid, check_findings
from sidewall.json_schema import shown
from sidewall.v1 import analysis_pb2, findings_pb2

CHUNK_BYTES = 1 << 16
"""Size of a message's payload. A server sees whole messages only, and drops a transfer in which none comes for 10 s:
these need less than 7 KiB/s.
"""

Source = str | Path | bytes
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
class CaseOptions:
    """What the caller may say about a case."""

    case_id: str | None = None
    """The caller's own name for the case; None lets the server make a pseudonym."""

    time_point: Literal["baseline", "restaging", "unknown"] = "unknown"
    prior_case_id: str | None = None
    prior: Mapping[str, Any] | None = None
    """Findings (JSON form) of an earlier study of the same patient, to compare with."""

    earlier_report: bytes | None = None
    """report.dcm of an earlier analysis of the same study, which the new one supersedes if anything has changed."""

    analysed_at: str | None = None
    """ISO 8601 with its zone: the time that the results say; None takes the present. A call that is repeated with the
    same time, by the same engine, gives the same bytes.
    """

    refusal: tuple[RefusalReason, ...] = ()
    """Why the caller chose none of a study's series; one instance of each is sent, and the refusal comes back with the
    report that says so.
    """

    priority: Literal["routine", "urgent"] = "routine"
    """Who goes first among those that wait at the server; nothing in the result depends on it."""

    artefacts: tuple[str, ...] | None = None
    """Files that are to come, by name, or by folder with a slash at the end (`captures/`); None for all. Others can be
    had by job for some minutes (`Client.fetch_artefact`); a server older than this sends all.
    """

    taken_series_numbers: tuple[int, ...] = ()
    """Series numbers of the study's other series, where only one is sent: those of the results get others."""

    is_self_test: bool = False
    """Whether a site sends a phantom through its own path: analysed as every case, not counted in metrics."""

    def to_message(self) -> analysis_pb2.CaseOptions:
        """Return the wire form; raises `ValueError` naming the option whose value is not allowed."""
        for name, (fits, allowed) in _ALLOWED.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise ValueError(f"{name} is {shown(value)}; allowed: {allowed}")
        message = analysis_pb2.CaseOptions()
        context = {"time_point": self.time_point, "prior_case_id": self.prior_case_id}
        fill_message(message, {"case_id": self.case_id, "context": context})
        if self.prior is not None:
            message.prior.CopyFrom(_earlier_findings(self.prior))
        if self.earlier_report is not None:
            message.earlier_report = self.earlier_report
        if self.analysed_at is not None:
            message.analysed_at = self.analysed_at
        if self.priority == "urgent":
            message.priority = analysis_pb2.PRIORITY_URGENT
        if self.artefacts is not None:
            message.artefacts.SetInParent()
            message.artefacts.names.extend(self.artefacts)
        message.taken_series_numbers.extend(self.taken_series_numbers)
        message.is_self_test = self.is_self_test
        for reason in self.refusal:
            message.refusal.add(code=reason.code, message=reason.message)
        return message


def _earlier_findings(findings: Mapping[str, Any]) -> findings_pb2.Findings:
    """Return the wire form of findings of any 1.x; what a later version added is passed over."""
    try:
        check_findings(findings)
    except FindingsInvalid as error:
        raise ValueError(f"prior: {error}") from None
    return findings_to_message(known_part(findings_pb2.Findings.DESCRIPTOR, findings))


def _is_time(text: Any) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_ALLOWED: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "case_id": (lambda value: isinstance(value, str), "text"),
    "time_point": (lambda value: value in ("baseline", "restaging", "unknown"), "baseline, restaging or unknown"),
    "prior_case_id": (lambda value: isinstance(value, str), "text"),
    "prior": (lambda value: isinstance(value, Mapping), "findings in JSON form"),
    "earlier_report": (lambda value: isinstance(value, bytes), "the bytes of report.dcm"),
    "analysed_at": (_is_time, "ISO 8601 with its zone"),
    "priority": (lambda value: value in ("routine", "urgent"), "routine or urgent"),
    "artefacts": (
        lambda value: (
            isinstance(value, tuple | list)
            and len(value) <= 100
            and all(isinstance(each, str) and 0 < len(each) <= 200 for each in value)
        ),
        "at most 100 names of 1 to 200 characters",
    ),
    "taken_series_numbers": (
        lambda value: (
            isinstance(value, tuple | list)
            and len(value) <= 10_000
            and all(type(each) is int and 0 <= each < 2**31 for each in value)
        ),
        "at most 10000 whole numbers from 0 to 2147483647",
    ),
    "is_self_test": (lambda value: isinstance(value, bool), "True or False"),
    "refusal": (
        lambda value: isinstance(value, tuple | list) and all(isinstance(each, RefusalReason) for each in value),
        "reasons",
    ),
}


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
        self.failure: OSError | zipfile.BadZipFile | None = None

    def __iter__(self) -> Iterator[analysis_pb2.AnalyzeSeriesRequest]:
        """Yield the start and then the chunks of every instance."""
        yield analysis_pb2.AnalyzeSeriesRequest(start=self._start())
        for instance in self._listing.instances:
            try:
                data = instance.read()
            except (OSError, zipfile.BadZipFile) as failure:
                self.failure = failure
                return
            for chunk, last in _chunks(data):
                part = analysis_pb2.InstanceChunk(data=chunk, last=last)
                yield analysis_pb2.AnalyzeSeriesRequest(instance=part)

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
        )


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
