"""Of the series that a mask can belong to, the one it was drawn on: its grid tells, and selection where that ties."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from core.errors import CaseRefused
from core.labelmaps import lies_on
from core.reading.frames import frames_of
from core.reading.geometry import Stack, locate
from core.reading.limits import DEFAULT_LIMITS
from core.reading.notes import Notes, without_library_warnings
from core.selection import select_series
from core.selection.criteria import STUDY_LIMITS
from core.selection.study import read_study
from core.volume import Volume, canonicalise
from training.intake.dicom_index import FoundSeries
from training.intake.faults import CaseRejected, Fault, FaultCode

LOOKED_FOR: Final = (
    "a folder, a zip archive, a StudyInstanceUID or a SeriesInstanceUID of the export that is called like the mask "
    "without its ending, or like a folder around it (masks/P017.nii.gz or masks/P017/labels.nrrd for export/P017/), or "
    "what the column image says"
)
"""How a mask finds its series, where no DICOM SEG says so."""


def choose_series(candidates: Sequence[FoundSeries], mask: Volume) -> FoundSeries:
    """Return the series that a mask (any orientation) was drawn on.

    One candidate is taken as it is. Of several, those on whose voxels the mask lies; where that is more than one, or
    none, the axial T2-weighted series of the pelvis (`core.selection`). Raises `CaseRejected` with `no_image`
    or `ambiguous_image`, and `CaseRefused` when an archive cannot be read.
    """
    images = _without_copies([series for series in candidates if series.modality == "MR"])
    if not images:
        looked = "" if candidates else f"; looked for {LOOKED_FOR}"
        message = f"{len(candidates)} series belong to the mask, none of them MR images{looked}; allowed: one or more"
        raise CaseRejected(Fault(FaultCode.NO_IMAGE, message))
    patients = {series.patient_id for series in images} - {""}
    if len(patients) > 1:
        message = f"series of {len(patients)} patients have the names of the mask; allowed: those of one"
        raise CaseRejected(Fault(FaultCode.AMBIGUOUS_IMAGE, message))
    if len(images) == 1:
        return images[0]
    fitting = [series for series in images if _is_drawn_on(series, mask)]
    return fitting[0] if len(fitting) == 1 else _selected(fitting or images, len(fitting))


def _without_copies(series: Sequence[FoundSeries]) -> list[FoundSeries]:
    """Return each series once: copies hold the same instances."""
    first = {(each.uid, each.instance_uids): each for each in reversed(series)}
    return [each for each in series if first[each.uid, each.instance_uids] is each]


def _is_drawn_on(series: FoundSeries, mask: Volume) -> bool:
    with without_library_warnings():
        study = read_study(series.source(), STUDY_LIMITS)
        frames = [frame for each in study.series for header in each.headers for frame in frames_of(header)]
        stack = locate(frames, DEFAULT_LIMITS, Notes()) if frames else None
    return stack is not None and lies_on(_grid(stack), mask)


def _grid(stack: Stack) -> Volume:
    """Return the canonical grid of a stack; its voxels are one zero seen everywhere."""
    empty = np.broadcast_to(np.zeros((), dtype=np.uint8), stack.shape)
    return canonicalise(Volume(empty, stack.spacing_mm, stack.origin_lps_mm, stack.direction))[0]


def _selected(series: Sequence[FoundSeries], fitting: int) -> FoundSeries:
    """Return the one that selection chooses."""
    selection = select_series([item for each in series for item in each.source()])
    if selection.chosen is not None:
        uid = selection.chosen.series_instance_uid
        return next(each for each in series if each.uid == uid)
    codes = ", ".join(str(reason.code) for reason in CaseRefused(selection.refusal).reasons)
    grids = f"{fitting} of them on the mask's voxels" if fitting else "none of them on the mask's voxels"
    message = (
        f"{len(series)} series, {grids}, and no one axial T2-weighted series among them ({codes}); allowed: one, or "
        "the SeriesInstanceUID in the table of cases"
    )
    raise CaseRejected(Fault(FaultCode.AMBIGUOUS_IMAGE, message))
