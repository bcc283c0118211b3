"""The contours, read back as a planning system does: rasterised again on the source images, in patient coordinates."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation
from skimage.measure import points_in_poly

from core.volume import FloatArray
from runtime.results.settings import DEFAULT_RESULT_SETTINGS
from runtime.results.structure_set import outlines
from tests.runtime.results.cases import AXIAL, Case, build_case, dicom_files, segment_positions, sorted_positions

SETTINGS = replace(DEFAULT_RESULT_SETTINGS, writes_structure_set=True)
OBLIQUE = Rotation.from_euler("xyz", (20, -12, 8), degrees=True).as_matrix() @ AXIAL
PRONE = np.diag([-1.0, -1.0, 1.0]) @ AXIAL
CASES: dict[str, dict[str, Any]] = {
    "axial": {},
    "flipped slices": {"flips": (True, False, False)},
    "flipped rows": {"flips": (False, True, False)},
    "all flipped": {"flips": (True, True, True)},
    "oblique": {"direction": OBLIQUE},
    "oblique and flipped": {"direction": OBLIQUE, "flips": (False, True, True)},
    "prone": {"direction": PRONE},
    "enhanced": {"enhanced": True},
    "sides unknown": {"status": "indeterminate", "trusted": False},
}


def _objects(case: Case) -> dict[str, Dataset]:
    return {name: pydicom.dcmread(BytesIO(data)) for name, data in dicom_files(case, settings=SETTINGS).items()}


def _inside(structures: Dataset, case: Case) -> dict[int, FloatArray]:
    """Return ROI number -> LPS positions (n, 3) of the source's pixel centres within its contours.

    Planes come from the headers of the images that the contours name.
    """
    volume = case.series.volume
    planes = {_key(frame.sop_instance_uid, frame.frame_number): index for index, frame in enumerate(case.series.frames)}
    rows, columns = np.indices(volume.shape[1:])
    centres = np.stack([columns.ravel(), rows.ravel()], axis=-1)
    found = {}
    for region in structures.ROIContourSequence:
        positions = [np.empty((0, 3))]
        for contour in region.ContourSequence:
            (image,) = contour.ContourImageSequence
            index = planes[_key(image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber"))]
            ring = volume.lps_mm_to_index(np.array(contour.ContourData, dtype=float).reshape(-1, 3))
            assert np.abs(ring[:, 0] - index).max() < 1e-3
            within = _within(centres, ring[:, [2, 1]])
            inside = np.column_stack([np.full(int(within.sum()), index), centres[within][:, ::-1]])
            positions.append(volume.index_to_lps_mm(inside))
        found[int(region.ReferencedROINumber)] = sorted_positions(np.concatenate(positions))
    return found


def _within(points: npt.NDArray[Any], ring: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which points (n, 2) lie within a closed ring, by an odd number of crossings."""
    return np.asarray(points_in_poly(points, ring))  # type: ignore[no-untyped-call]


def _key(uid: str, frame: int | None) -> tuple[str, int]:
    return str(uid), int(frame or 1)


@pytest.mark.parametrize("name", CASES)
def test_the_pixels_within_the_contours_are_those_of_the_segments(name: str) -> None:
    case = build_case(**CASES[name])
    objects = _objects(case)
    structures, segmentation = objects["structure_set.dcm"], objects["segmentation.dcm"]
    found = _inside(structures, case)
    names = {int(each.SegmentNumber): each.SegmentLabel for each in segmentation.SegmentSequence}
    assert {int(each.ROINumber): each.ROIName for each in structures.StructureSetROISequence} == names
    for number, positions in found.items():
        expected = segment_positions(segmentation, number)
        assert len(expected) > 0
        assert positions == pytest.approx(expected, abs=0.02)


def test_a_structure_set_belongs_to_the_source_and_is_named_by_the_key_objects() -> None:
    case = build_case()
    objects = _objects(case)
    structures = objects["structure_set.dcm"]
    (frame,) = structures.ReferencedFrameOfReferenceSequence
    assert frame.FrameOfReferenceUID == structures.FrameOfReferenceUID == "1.2.3.5"
    (study,) = frame.RTReferencedStudySequence
    (series,) = study.RTReferencedSeriesSequence
    assert (study.ReferencedSOPInstanceUID, series.SeriesInstanceUID) == ("1.2.3", "1.2.3.4")
    assert {each.ReferencedSOPInstanceUID for each in series.ContourImageSequence} == {
        header.SOPInstanceUID for header in case.series.headers
    }
    tracked = {node.tracking_uid for node in case.findings.nodes}
    described = " ".join(each.ROIDescription for each in structures.StructureSetROISequence)
    assert all(uid in described for uid in tracked)
    assert structures.SOPInstanceUID in str(objects["key_objects.dcm"])


def test_without_anything_segmented_or_unless_the_site_wants_it_there_is_none() -> None:
    empty = build_case(status="indeterminate", with_nodes=False, with_stations=False)
    assert "structure_set.dcm" not in dicom_files(empty, settings=SETTINGS)
    assert "structure_set.dcm" not in dicom_files(build_case())


def test_a_repeat_has_the_same_bytes_and_other_objects_other_uids() -> None:
    assert dicom_files(build_case(), settings=SETTINGS) == dicom_files(build_case(), settings=SETTINGS)
    other = {pydicom.dcmread(BytesIO(data)).SOPInstanceUID for data in dicom_files(build_case()).values()}
    assert other.isdisjoint(each.SOPInstanceUID for each in _objects(build_case()).values())


@pytest.mark.parametrize("density", [0.1, 0.5, 0.9])
def test_outlines_of_any_mask_hold_its_pixels_and_no_other(density: float) -> None:
    random = np.random.default_rng(7)
    rows, columns = np.indices((17, 23))
    centres = np.stack([columns.ravel(), rows.ravel()], axis=-1)
    for _ in range(20):
        mask: npt.NDArray[np.bool_] = random.random((17, 23)) < density
        within = np.zeros(mask.size, dtype=np.bool_)
        for outline in outlines(mask):
            within ^= _within(centres, outline)
        assert np.array_equal(within.reshape(mask.shape), mask)
