"""The images of a case: exactly one kind of them, each with what belongs to it alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.reading.files import NOTHING_ASIDE, NameAside, name_no_file
from core.reading.volume_files import holds_volume_files
from core.selection import RefusedStudy, Selection
from core.volume import Volume

Announce = Callable[[Selection], None]
"""Takes the choice of a series from several, once it is made."""


def announce_nothing(selection: Selection) -> None:
    """Leave a choice untold."""


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """One series; several in its place are refused."""

    source: Path | Sequence[Path | bytes]
    """A directory, a zip file, or the instances themselves (files or their bytes)."""

    name_aside: NameAside = name_no_file
    """Learns the names of files that hold no image; they stand in no result."""

    left_aside: Mapping[str, int] = field(default_factory=lambda: NOTHING_ASIDE)
    """How many files of each kind lay beside the images and were not sent."""


@dataclass(frozen=True, eq=False)
class DicomStudy:
    """A study, of whose series one is analysed: the named one, or the one that fits best (`core.selection`)."""

    source: Path | Sequence[Path | bytes]
    """As in `DicomSeries`."""

    series_uid: str | None = None
    """SeriesInstanceUID of the one to analyse, whatever speaks against it; None has it chosen."""

    announce: Announce = announce_nothing
    """Learns which of several was chosen, before it is read."""

    name_aside: NameAside = name_no_file
    """As in `DicomSeries`."""

    left_aside: Mapping[str, int] = field(default_factory=lambda: NOTHING_ASIDE)
    """As in `DicomSeries`."""


@dataclass(frozen=True, eq=False)
class BareVolume:
    """Voxels with geometry, any orientation, without DICOM: they give findings and pictures, and no DICOM results."""

    volume: Volume

    is_phantom: bool = False
    """Whether the subject is a phantom, which DICOM says itself."""


@dataclass(frozen=True)
class VolumeFile:
    """A NIfTI or NRRD file, or a folder with one; gives what a `BareVolume` gives."""

    path: Path


Images = DicomSeries | DicomStudy | BareVolume | VolumeFile | RefusedStudy
"""What is analysed, or the study of which whoever chose has chosen none."""


def images_at(
    path: Path,
    series_uid: str | None = None,
    *,
    announce: Announce = announce_nothing,
    name_aside: NameAside = name_no_file,
) -> VolumeFile | DicomStudy:
    """Return what lies at `path`: a NIfTI or NRRD image, unless a series is named, or a study of one series or more."""
    if series_uid is None and holds_volume_files(path):
        return VolumeFile(path)
    return DicomStudy(path, series_uid, announce, name_aside)
