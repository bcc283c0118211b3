"""From the images of a case, whatever kind they are, to voxels and what is known with them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from pydicom.dataset import Dataset

from core.errors import CaseRefused
from core.findings import InputDescription
from core.reading import read_series, validate_volume
from core.reading.limits import ReadingLimits
from core.reading.volume_files import read_volume_file
from core.selection import NoSeriesChosen, RefusedStudy, SeriesCandidate, choose_series
from core.series import Series
from core.volume import Volume
from runtime.analysis.images import BareVolume, DicomSeries, DicomStudy, Images, VolumeFile
from runtime.results.words import RESEARCH_WORDS

UNKNOWN_SUBJECT: Final = (
    "voxels without DICOM headers: sequence, identity and whether the subject is a phantom are unknown"
)
"""Warning of bare voxels whose caller does not say that they are of a phantom."""

_IDENTITY: Final = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


@dataclass(frozen=True, eq=False)
class ReadImages:
    """What reading gave; bare voxels are still to be checked (`checked_volume`)."""

    volume: Volume
    """On its own grid, in any orientation."""

    is_phantom: bool
    series: Series | None = None
    """None for bare voxels."""

    warnings: tuple[str, ...] = ()
    """What was tolerated or is not known."""

    taken_series_numbers: frozenset[int] = frozenset()
    """Series numbers of the other series that came with it; those of earlier results of ours are not among them."""

    @property
    def headers(self) -> tuple[Dataset, ...]:
        """Those of the series; empty for bare voxels."""
        return self.series.headers if self.series else ()

    @property
    def uids(self) -> tuple[str | None, str | None, str | None]:
        """UIDs of study, series and frame of reference; None where there is none."""
        study, series, frame = (str(self._header.get(name, "")) or None for name in _IDENTITY)
        return study, series, frame

    @cached_property
    def voxel_digest(self) -> str:
        """SHA-256 of the voxels as they came."""
        return hashlib.sha256(self.volume.voxels.tobytes()).hexdigest()

    def describe(self, canonical: Volume, label_map_sha256: str | None) -> InputDescription:
        """Return what findings say of the input; `label_map_sha256` is of the label map that was scored, if any was."""
        field_strength = self._header.get("MagneticFieldStrength")
        return InputDescription(
            source="dicom" if self.series else "volume",
            instance_count=len(self.headers),
            shape_zyx=canonical.shape,
            spacing_mm_zyx=canonical.spacing_mm,
            origin_lps_mm=canonical.origin_lps_mm,
            direction=tuple((float(x), float(y), float(z)) for x, y, z in canonical.direction),
            is_phantom=self.is_phantom,
            manufacturer=str(self._header.get("Manufacturer", "")) or None,
            model_name=str(self._header.get("ManufacturerModelName", "")) or None,
            field_strength_t=float(field_strength) if field_strength else None,
            label_map_sha256=label_map_sha256,
        )

    @property
    def _header(self) -> Dataset:
        return self.headers[0] if self.headers else Dataset()

    def checked_volume(self) -> Volume:
        """Return the voxels if they can be analysed; raises `CaseRefused`."""
        return self.volume if self.series else validate_volume(self.volume)


def read_images(images: Images, limits: ReadingLimits) -> ReadImages:
    """Read what was given, choosing the series of a study; raises `CaseRefused` with every reason found."""
    match images:
        case DicomSeries():
            series = read_series(images.source, limits, name_aside=images.name_aside, left_aside=images.left_aside)
            return _of_series(series)
        case DicomStudy():
            return _read_study(images, limits)
        case BareVolume():
            unknown = () if images.is_phantom else (UNKNOWN_SUBJECT,)
            return ReadImages(images.volume, images.is_phantom, warnings=unknown)
        case VolumeFile():
            read = read_volume_file(images.path)
            return ReadImages(read.volume, is_phantom=False, warnings=(*read.warnings, UNKNOWN_SUBJECT))
        case RefusedStudy():
            raise CaseRefused(images.reasons, images.headers)


def _read_study(study: DicomStudy, limits: ReadingLimits) -> ReadImages:
    """Return the series that is chosen of a study; a refusal knows the series numbers of the others, too."""
    taken: frozenset[int] = frozenset()
    try:
        chosen = choose_series(
            study.source,
            series_uid=study.series_uid,
            limits=limits,
            name_aside=study.name_aside,
            announce=study.announce,
        )
        taken = _foreign_numbers(chosen.others)
        series = read_series(chosen.source, limits, name_aside=study.name_aside, left_aside=study.left_aside)
    except NoSeriesChosen as refusal:
        refusal.taken_series_numbers = _foreign_numbers(refusal.candidates)
        raise
    except CaseRefused as refusal:
        refusal.taken_series_numbers = taken
        raise
    return replace(_of_series(series, chosen.warnings), taken_series_numbers=taken)


def _foreign_numbers(series: Iterable[SeriesCandidate]) -> frozenset[int]:
    """Return the numbers of series that are no earlier results of ours, whose place new ones take."""
    foreign = (each for each in series if not each.description.endswith(RESEARCH_WORDS))
    return frozenset(each.series_number for each in foreign if each.series_number is not None)


def _of_series(series: Series, of_choice: tuple[str, ...] = ()) -> ReadImages:
    return ReadImages(series.volume, series.is_phantom, series, of_choice + series.warnings)
