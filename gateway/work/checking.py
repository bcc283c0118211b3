"""Proof, before anything leaves, that the objects of a case are about the study that came in and lie where it lies."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

_PLACE_MM: Final = 1e-3
"""How far a frame may lie from the slice that it is of, mm: what decimal strings lose."""

_CONTOUR_MM: Final = 0.01
"""How far the points of a contour may lie from the plane of a slice, mm."""


@dataclass(frozen=True)
class Checked:
    """One object that may leave."""

    name: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str


class NotProved(Exception):
    """An object is not about the study, or lies elsewhere; the text holds no patient data."""


def check_objects(
    folder: Path, names: Sequence[str], sources: Sequence[Path], study_uid: str
) -> list[Checked]:
    """Return the objects; raises `NotProved` at the first that fails.

    Each names the study and the patient of the source. A segmentation has the source's frame of reference, and each of
    its frames the rows, columns, orientation and position of a slice of the source; the contours of a structure set
    lie on such slices.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        headers = [pydicom.dcmread(each, stop_before_pixels=True) for each in sources]
        return [_check(folder / name, name, headers, study_uid) for name in names]


def _check(file: Path, name: str, sources: Sequence[Dataset], study_uid: str) -> Checked:
    try:
        found = pydicom.dcmread(file, stop_before_pixels=True)
    except Exception as error:
        raise NotProved(f"{name} cannot be read ({type(error).__name__})") from error
    if str(found.get("StudyInstanceUID", "")) != study_uid:
        raise NotProved(f"{name} is of another study")
    patients = {str(each.get("PatientID", "") or "").strip() for each in sources}
    if sources and str(found.get("PatientID", "") or "").strip() not in patients:
        raise NotProved(f"{name} is of another patient")
    if found.SOPClassUID == SegmentationStorage:
        _check_places(found, name, sources)
    if found.SOPClassUID == RTStructureSetStorage:
        _check_contours(found, name, sources)
    return Checked(name, str(found.SOPInstanceUID), str(found.SOPClassUID), str(found.file_meta.TransferSyntaxUID))


def _check_places(found: Dataset, name: str, sources: Sequence[Dataset]) -> None:
    known = _slices(found, name, sources)
    if {(found.Rows, found.Columns)} != {(each.Rows, each.Columns) for each in sources}:
        raise NotProved(f"{name} has {found.Rows} rows and {found.Columns} columns, unlike the source")
    for number, place in enumerate(_places(found), start=1):
        if np.abs(known - np.array(place)).max(axis=1).min() > _PLACE_MM:
            raise NotProved(f"{name}: frame {number} lies where the source has no slice")


def _check_contours(found: Dataset, name: str, sources: Sequence[Dataset]) -> None:
    known = _slices(found, name, sources)
    normals, corners = np.cross(known[:, :3], known[:, 3:6]), known[:, 6:]
    for region in found.ROIContourSequence:
        for contour in region.ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            distances_mm = np.abs(points @ normals.T - (corners * normals).sum(axis=1))
            if distances_mm.max(axis=0).min() > _CONTOUR_MM:
                raise NotProved(f"{name}: a contour of structure {region.ReferencedROINumber} lies on no slice")


def _slices(found: Dataset, name: str, sources: Sequence[Dataset]) -> npt.NDArray[np.float64]:
    """Return the places of the source's slices, whose frame of reference the object has to have."""
    slices = [each for source in sources for each in _places(source)]
    if not slices:
        raise NotProved(f"{name}: the source has no slices to compare it with")
    frames = {str(each.get("FrameOfReferenceUID", "")) for each in sources}
    if {str(found.get("FrameOfReferenceUID", ""))} != frames:
        raise NotProved(f"{name} has another frame of reference than the source")
    return np.array(slices)


def _places(dataset: Dataset) -> list[list[float]]:
    """Return orientation and position of every frame, nine numbers each (PS3.3, C.7.6.2)."""
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        return [[*map(float, dataset.ImageOrientationPatient), *map(float, dataset.ImagePositionPatient)]]
    shared: Any = dataset.SharedFunctionalGroupsSequence[0]
    return [
        [
            *map(float, _group(each, shared, "PlaneOrientationSequence").ImageOrientationPatient),
            *map(float, _group(each, shared, "PlanePositionSequence").ImagePositionPatient),
        ]
        for each in dataset.PerFrameFunctionalGroupsSequence
    ]


def _group(frame: Dataset, shared: Dataset, name: str) -> Dataset:
    found: Dataset = (frame if name in frame else shared)[name].value[0]
    return found
