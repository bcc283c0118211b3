from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import product

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from runtime.results.context import result_context
from runtime.results.segmentation_object import build_segmentation
from runtime.results.settings import DEFAULT_RESULT_SETTINGS
from runtime.results.source import source_images
from runtime.results.words import describe_station
from tests.runtime.results.cases import (
    AXIAL,
    CREATED,
    Case,
    build_case,
    dicom_files,
    dicom_objects,
    lps_positions,
    segment_positions,
)

OBLIQUE = np.linalg.qr(AXIAL + np.array([[0.0, 0.24, 0.06], [0.1, 0.0, -0.17], [0.02, 0.05, 0.0]]))[0]
OBLIQUE *= np.sign(np.sum(OBLIQUE * AXIAL, axis=0))
"""An axial plane tilted about all three axes."""

FLIPS = list(product((False, True), repeat=3))


def _segmentation(case: Case) -> Dataset:
    return dicom_objects(case)["segmentation.dcm"]


def _encoded(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset)
    return buffer.getvalue()


def _expected(case: Case) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (tracking id, positions) of every segment there should be."""
    for (station, side), mask in case.regions.station_masks().items():
        yield f"station {describe_station(station, side)}", lps_positions(case.regions.labels, mask)
    for node in case.findings.nodes:
        yield (
            f"Cornerstone3DTools@^0.1.0:Bidirectional:node {node.id}",
            lps_positions(case.regions.instances, case.regions.instances.voxels == node.id),
        )


def _assert_same_voxels(case: Case, segmentation: Dataset) -> None:
    numbers = {str(item.TrackingID): int(item.SegmentNumber) for item in segmentation.SegmentSequence}
    expected = dict(_expected(case))
    assert numbers.keys() == expected.keys()
    for tracking_id, positions in expected.items():
        found = segment_positions(segmentation, numbers[tracking_id])
        assert found.shape == positions.shape
        assert np.abs(found - positions).max() < 1e-3


@pytest.mark.parametrize("flips", FLIPS, ids=str)
@pytest.mark.parametrize("direction", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_segments_cover_the_voxels_of_the_label_map_in_the_patient(
    direction: np.ndarray, flips: tuple[bool, bool, bool]
) -> None:
    case = build_case(direction, flips=flips)
    _assert_same_voxels(case, _segmentation(case))


def test_segments_of_an_enhanced_series_cover_the_same_voxels_and_name_its_frames() -> None:
    case = build_case(OBLIQUE, enhanced=True)
    segmentation = _segmentation(case)
    _assert_same_voxels(case, segmentation)
    positions = [groups.PlanePositionSequence[0] for groups in case.series.headers[0].PerFrameFunctionalGroupsSequence]
    for groups in segmentation.PerFrameFunctionalGroupsSequence:
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        assert reference.ReferencedSOPInstanceUID == case.series.headers[0].SOPInstanceUID
        assert reference.ReferencedSOPClassUID == case.series.headers[0].SOPClassUID
        source = positions[reference.ReferencedFrameNumber - 1]
        assert source.ImagePositionPatient == groups.PlanePositionSequence[0].ImagePositionPatient


def test_every_frame_names_the_source_instance_of_its_plane() -> None:
    case = build_case()
    positions = {header.SOPInstanceUID: header.ImagePositionPatient for header in case.series.headers}
    for groups in _segmentation(case).PerFrameFunctionalGroupsSequence:
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        plane = groups.PlanePositionSequence[0].ImagePositionPatient
        assert positions[reference.ReferencedSOPInstanceUID] == plane


def test_highdicom_reads_back_the_volume_of_a_node() -> None:
    case = build_case(OBLIQUE)
    segmentation = hd.seg.Segmentation.from_dataset(_segmentation(case))
    number = segmentation.get_segment_numbers(tracking_uid="2.25.771")[0]
    volume = segmentation.get_volume(segment_numbers=[number], allow_missing_positions=True)
    index = np.argwhere(volume.array[..., 0] if volume.array.ndim == 4 else volume.array)
    centroid = volume.map_indices_to_reference(index).mean(axis=0)
    assert np.abs(centroid - case.findings.nodes[0].centroid_lps_mm).max() < 1.0


def test_segments_are_coded_with_station_side_and_tracking_uid() -> None:
    case = build_case()
    by_label = {str(item.SegmentLabel): item for item in _segmentation(case).SegmentSequence}
    station = by_label["Left internal iliac"]
    node = by_label["Node 2 right obturator"]
    region = station.AnatomicRegionSequence[0]
    assert (region.CodeValue, region.AnatomicRegionModifierSequence[0].CodeValue) == ("69255009", "7771000")
    region = node.AnatomicRegionSequence[0]
    assert (region.CodeValue, region.AnatomicRegionModifierSequence[0].CodeValue) == ("36086000", "24028007")
    assert station.SegmentedPropertyTypeCodeSequence[0].CodeValue == "STATION_REGION"
    assert station.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "309825002"
    assert node.SegmentedPropertyTypeCodeSequence[0].CodeValue == "59441001"
    assert node.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"
    assert node.TrackingUID == case.findings.nodes[1].tracking_uid
    assert len(by_label) == 8


def test_an_unknown_side_has_no_laterality() -> None:
    for item in _segmentation(build_case(trusted=False)).SegmentSequence:
        assert "AnatomicRegionModifierSequence" not in item.AnatomicRegionSequence[0]


def test_patient_study_and_frame_of_reference_come_from_the_source() -> None:
    case = build_case()
    header, segmentation = case.series.headers[0], _segmentation(case)
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber", "FrameOfReferenceUID", "StudyDate"):
        assert segmentation[name].value == header[name].value
    assert segmentation.SeriesInstanceUID != header.SeriesInstanceUID


def test_contents_are_labelled_as_research_and_dated_by_the_study() -> None:
    segmentation = _segmentation(build_case())
    assert segmentation.ContentLabel == "RESEARCH"
    assert segmentation.ContentQualification == "RESEARCH"
    assert "NOT FOR DIAGNOSIS" in segmentation.SeriesDescription
    assert (segmentation.ContentDate, segmentation.ContentTime[:6]) == ("20260101", "101500")
    assert (segmentation.InstanceCreationDate, segmentation.InstanceCreationTime[:6]) == ("20260101", "101500")


def test_the_algorithm_names_the_bundle() -> None:
    algorithm = _segmentation(build_case()).SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert "sha256:" + "ab" * 32 in algorithm.AlgorithmParameters


def test_a_demonstration_says_so_in_the_segment() -> None:
    node = _segmentation(build_case(status="demonstration")).SegmentSequence[-1]
    assert "demonstration" in node.SegmentDescription
    assert "positive" not in node.SegmentDescription


def test_a_node_voxel_that_is_labelled_station_belongs_to_the_node_alone() -> None:
    plain = build_case()
    station = plain.regions.labels.voxels.copy()
    station[plain.regions.instances.voxels == 2] = 2
    regions = replace(plain.regions, labels=plain.regions.labels.with_voxels(station))
    segmentation = _segmentation(Case(plain.series, regions, plain.findings))
    _assert_same_voxels(plain, segmentation)
    assert segmentation.SegmentsOverlap == "NO"


def test_more_segments_than_eight_bits_hold_are_kept_apart() -> None:
    case = build_case(with_nodes=False, with_stations=False)
    instances = np.zeros(case.regions.labels.shape, dtype=np.uint16)
    template = build_case().findings.nodes[0]
    nodes = tuple(replace(template, id=number, tracking_uid=f"2.25.5{number}") for number in range(1, 301))
    instances[4, 2:12, 5:35] = np.arange(1, 301).reshape(10, 30)
    regions = replace(case.regions, instances=case.regions.instances.with_voxels(instances))
    findings = replace(case.findings, nodes=nodes)
    context = result_context(source_images(case.series), findings, CREATED, DEFAULT_RESULT_SETTINGS, None)
    built = build_segmentation(context, regions)
    assert built is not None
    segmentation = pydicom.dcmread(BytesIO(_encoded(built.dataset)))
    assert segmentation.NumberOfFrames == 300
    for number in (1, 256, 300):
        place = lps_positions(regions.instances, instances == number)
        assert np.abs(segment_positions(segmentation, number) - place).max() < 1e-3


def test_a_segmentation_is_not_written_whose_nodes_are_not_those_of_the_findings() -> None:
    case = build_case()
    findings = replace(case.findings, nodes=case.findings.nodes[:1])
    assert "segmentation.dcm" in dicom_files(case)
    assert "segmentation.dcm" not in dicom_files(Case(case.series, case.regions, findings))
