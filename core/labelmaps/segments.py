"""DICOM SEG as a label map: segment numbers as values, and what the segments' codes say they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import highdicom as hd
import numpy as np
from pydicom import Dataset, dcmread
from sidewall.vocabulary import STATIONS

from core.errors import CaseRefused, Reason, RefusalCode
from core.labelmaps.meaning import LabelMeanings
from core.labels import NODE_NEGATIVE
from core.volume import Volume

_LYMPH_NODE: Final = "59441001"
_STATIONS: Final = {code: each.label for each in STATIONS for code in (each.code.value, *each.other_codes)}
"""SNOMED CT codes of anatomic regions; the external iliac station includes the inguinal region."""


def read_segments(path: Path) -> tuple[Volume, LabelMeanings | None, Mapping[int, str]]:
    """Return segment numbers (uint16) on the segmentation's own grid, what coded segments mean, and all labels.

    A segment of the type lymph node counts as a node of unknown status, read as negative: size alone then decides.
    Raises `CaseRefused` (`unreadable_label_map`) when the object is no segmentation or segments overlap.
    """
    dataset = dcmread(path)
    if str(dataset.get("Modality")) != "SEG":
        raise CaseRefused([Reason(RefusalCode.UNREADABLE_LABEL_MAP, "the DICOM object is no segmentation (SEG)")])
    segmentation = hd.seg.Segmentation.from_dataset(dataset)
    numbers = [int(item.SegmentNumber) for item in segmentation.SegmentSequence]
    try:
        volume = segmentation.get_volume(combine_segments=True, dtype=np.uint16)
    except RuntimeError as error:
        message = "the segments of the DICOM SEG overlap or are not binary; allowed: one segment per voxel"
        raise CaseRefused([Reason(RefusalCode.UNREADABLE_LABEL_MAP, message)]) from error
    meanings = {number: _meaning(item) for number, item in zip(numbers, segmentation.SegmentSequence, strict=True)}
    coded = {0: 0} | {number: meaning for number, meaning in meanings.items() if meaning is not None}
    spacing = tuple(float(value) for value in volume.spacing)
    position = tuple(float(value) for value in volume.position)
    labels = Volume(
        volume.array,
        (spacing[0], spacing[1], spacing[2]),
        (position[0], position[1], position[2]),
        np.asarray(volume.direction, dtype=np.float64),
    )
    names = {int(item.SegmentNumber): str(item.get("SegmentLabel", "")) for item in segmentation.SegmentSequence}
    return labels, coded if len(coded) == 1 + len(numbers) else None, names


def _meaning(segment: Dataset) -> int | None:
    """Return our label for a segment by its codes; None when they say nothing that we know."""
    if str(segment.SegmentedPropertyTypeCodeSequence[0].CodeValue) == _LYMPH_NODE:
        return NODE_NEGATIVE
    regions = segment.get("AnatomicRegionSequence", ())
    return next((_STATIONS[str(item.CodeValue)] for item in regions if str(item.CodeValue) in _STATIONS), None)
