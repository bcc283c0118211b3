"""What of two results counts as a difference: words, numbers of nodes and voxels do, the sixth digit does not."""

from io import BytesIO
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SegmentationStorage

from runtime.analysis.agreeing import Difference, differing_file, differing_values, verdict_of

SMALL = (Difference("probability", 0.5, 0.500001, True),)


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        (7.25, 7.25, "identical"),
        (7.25, 7.25001, "same within tolerance"),
        (7.25, 7.26, "different"),
        (5000.0, 5004.0, "same within tolerance"),
        (2, 3, "different"),
        (1.0, None, "different"),
        (True, False, "different"),
        ("negative", "positive", "different"),
        ([1.0, 2.0], [1.0, 2.00001], "same within tolerance"),
        ([1.0], [1.0, 2.0], "different"),
    ],
)
def test_numbers_may_differ_by_the_tolerance_and_nothing_else_may(then: Any, now: Any, verdict: str) -> None:
    assert verdict_of(list(differing_values({"value": then}, {"value": now}))) == verdict


def test_the_path_of_a_value_is_named() -> None:
    (found,) = differing_values({"nodes": [{"id": 1}, {"id": 2}]}, {"nodes": [{"id": 1}, {"id": 3}]})
    assert (found.what, found.then, found.now) == ("nodes[1].id", 2, 3)


@pytest.mark.parametrize(("values", "small"), [((), False), (SMALL, True)])
def test_a_picture_may_differ_only_where_a_number_does(values: tuple[Difference, ...], small: bool) -> None:
    found = differing_file("contact_sheet.png", b"then", b"now!", values)
    assert found is not None
    assert found.within_tolerance is small
    assert differing_file("contact_sheet.png", b"then", b"then", values) is None


def test_a_file_that_is_absent_is_a_difference_whatever_the_numbers() -> None:
    assert differing_file("report.dcm", None, b"now", SMALL) == Difference("report.dcm", "absent", "3 bytes", False)


def segmentation(pixels: bytes) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SegmentationStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB"
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize(("changed", "small"), [(1, True), (20, False)])
def test_a_segmentation_may_differ_in_one_voxel_of_ten_thousand(changed: int, small: bool) -> None:
    then, now = segmentation(bytes(10_000)), segmentation(b"\1" * changed + bytes(10_000 - changed))
    found = differing_file("segmentation.dcm", then, now, SMALL)
    assert found is not None
    assert found.within_tolerance is small


def test_what_is_no_segmentation_is_another_one() -> None:
    found = differing_file("segmentation.dcm", b"no DICOM", segmentation(bytes(10)), SMALL)
    assert found is not None
    assert not found.within_tolerance
