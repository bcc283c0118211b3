"""Public reports against readers and writers like ours, and that none of them applies: the table of the statement."""

import re
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.runtime.results.cases import Case, build_case, dicom_objects

ROOT = Path(__file__).parents[3]
STATEMENT = (ROOT / "docs" / "dicom_conformance.md").read_text()
REPORTS = (
    *(f"OHIF {number}" for number in (3390, 2017, 3420, 3939, 4030)), "dcmqi 69", "dcmqi 428", "dcmjs 29", "dcmjs 507",
    "highdicom 99", "highdicom 458", "MONAI Deploy App SDK 352", "MONAI Deploy App SDK 397", "fo-dicom 1805",
    "QuantitativeReporting 29", "TotalSegmentator AIDE 27",
)  # fmt: skip
CASES = {
    "classic": build_case(),
    "enhanced": build_case(enhanced=True),
    "one side": build_case(trusted=False),
    "stations alone": build_case(status="negative", with_nodes=False),
}


def _segmentation(case: Case) -> Dataset:
    return dicom_objects(case)["segmentation.dcm"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_segment_has_a_colour_and_the_numbers_leave_none_out(case: Case) -> None:
    segments = _segmentation(case).SegmentSequence
    assert [int(each.SegmentNumber) for each in segments] == list(range(1, len(segments) + 1))
    assert all(len(each.RecommendedDisplayCIELabValue) == 3 for each in segments)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_segmentation_names_its_series_and_all_of_its_instances(case: Case) -> None:
    (series,) = _segmentation(case).ReferencedSeriesSequence
    assert series.SeriesInstanceUID == "1.2.3.4"
    named = {each.ReferencedSOPInstanceUID for each in series.ReferencedInstanceSequence}
    assert named == {header.SOPInstanceUID for header in case.series.headers}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_frame_says_its_segment_and_the_pixels_their_measures(case: Case) -> None:
    segmentation = _segmentation(case)
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    known = {int(each.SegmentNumber) for each in segmentation.SegmentSequence}
    said = set()
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        (segment,) = (each for each in (frame, shared) if "SegmentIdentificationSequence" in each)
        said.add(int(segment.SegmentIdentificationSequence[0].ReferencedSegmentNumber))
    assert said == known
    measures = shared.PixelMeasuresSequence[0]
    assert float(measures.SliceThickness) == pytest.approx(case.series.volume.spacing_mm[0])
    assert np.array(measures.PixelSpacing, dtype=float) == pytest.approx(np.array(case.series.volume.spacing_mm[1:]))


def test_a_source_without_study_id_and_thickness_has_a_segmentation() -> None:
    case = build_case()
    for header in case.series.headers:
        del header.StudyID, header.SliceThickness
    segmentation = _segmentation(case)
    measures = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert (segmentation.StudyID, float(measures.SliceThickness)) == ("", case.series.volume.spacing_mm[0])


def test_the_tests_that_the_statement_names_for_public_reports_are_there() -> None:
    rows = re.findall(r"^\| ([\w -]+ \d+) \| [^|]+ \| `(tests/[\w/]+\.py)::(test_\w+)` \|$", STATEMENT, re.MULTILINE)
    assert sorted(report for report, _, _ in rows) == sorted(REPORTS)
    for report, file, test in rows:
        assert f"def {test}(" in (ROOT / file).read_text(), report
