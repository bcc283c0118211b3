from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from runtime.results import codes
from runtime.results.artefacts import write_artefacts
from tests.runtime.results.cases import CREATED, Case, build_case, dicom_objects


def _selected(key_objects: Dataset) -> list[Dataset]:
    """Return the referenced instances in their order."""
    return [reference for item in key_objects.ContentSequence for reference in item.get("ReferencedSOPSequence", ())]


def _source_slices(case: Case, node_id: int | None = None) -> set[str]:
    """Return the source instances that show a node, or any."""
    instances = case.regions.instances.voxels
    mask = case.regions.to_source_grid(instances == node_id if node_id else instances > 0)
    return {case.series.frames[index].sop_instance_uid for index in np.flatnonzero(mask.any(axis=(1, 2)))}


def test_a_capture_holds_the_pixels_of_the_key_image() -> None:
    case = build_case()
    artefacts = {
        a.name: a.data for a in write_artefacts(case.findings, case.regions, series=None, created=CREATED).artefacts
    }
    for name in ("node_01", "node_02"):
        picture = np.asarray(Image.open(BytesIO(artefacts[f"keyimages/{name}.png"])))
        capture = dicom_objects(case)[f"captures/{name}.dcm"]
        assert np.array_equal(capture.pixel_array, picture)


def test_captures_say_that_they_are_derived_annotated_and_for_research() -> None:
    for number in (1, 2):
        capture = dicom_objects(build_case())[f"captures/node_0{number}.dcm"]
        assert capture.ConversionType == "WSD"
        assert capture.BurnedInAnnotation == "YES"
        assert capture.InstanceNumber == number
        assert f"Node {number}" in capture.DerivationDescription
        assert "RESEARCH - NOT FOR DIAGNOSIS" in capture.DerivationDescription
        assert (capture.DateOfSecondaryCapture, capture.TimeOfSecondaryCapture) == ("20260101", "101500")


@pytest.mark.parametrize("flips", [(False, False, False), (True, True, False)], ids=str)
def test_a_capture_names_the_source_of_the_slice_it_shows(flips: tuple[bool, bool, bool]) -> None:
    case = build_case(flips=flips)
    for node in case.findings.nodes:
        capture = dicom_objects(case)[f"captures/node_{node.id:02d}.dcm"]
        (reference,) = capture.SourceImageSequence
        (header,) = (h for h in case.series.headers if h.SOPInstanceUID == reference.ReferencedSOPInstanceUID)
        thickness = case.regions.image.spacing_mm[0]
        assert abs(float(header.ImagePositionPatient[2]) - node.centroid_lps_mm[2]) <= thickness / 2 + 1e-6


def test_lossy_sources_are_said_to_be_lossy_in_their_captures() -> None:
    case = build_case()
    for header in case.series.headers:
        header.LossyImageCompression, header.LossyImageCompressionRatio = "01", "8.5"
    capture = dicom_objects(case)["captures/node_01.dcm"]
    assert (capture.LossyImageCompression, float(capture.LossyImageCompressionRatio)) == ("01", 8.5)


def test_key_objects_select_slices_with_nodes_and_all_results() -> None:
    case = build_case()
    objects = dicom_objects(case)
    document = objects.pop("key_objects.dcm")
    assert document.ConceptNameCodeSequence[0].CodeValue == codes.OF_INTEREST.value
    selected = {str(reference.ReferencedSOPInstanceUID) for reference in _selected(document)}
    assert selected == _source_slices(case) | {str(data.SOPInstanceUID) for data in objects.values()}


def test_key_objects_of_an_enhanced_series_select_frames() -> None:
    case = build_case(enhanced=True)
    source = _selected(dicom_objects(case)["key_objects.dcm"])[0]
    mask = case.regions.to_source_grid(case.regions.instances.voxels > 0)
    expected = {case.series.frames[index].frame_number for index in np.flatnonzero(mask.any(axis=(1, 2)))}
    assert source.ReferencedSOPInstanceUID == "1.2.3.4.1"
    assert set(source.ReferencedFrameNumber) == expected


def test_key_objects_of_a_study_without_nodes_select_the_slice_of_its_picture() -> None:
    case = build_case(status="negative", with_nodes=False)
    objects = dicom_objects(case)
    source, picture, segmentation, report = _selected(objects["key_objects.dcm"])
    shown = objects["captures/stations.dcm"].SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == shown.ReferencedSOPInstanceUID
    assert picture.ReferencedSOPInstanceUID == objects["captures/stations.dcm"].SOPInstanceUID
    assert segmentation.ReferencedSOPInstanceUID == objects["segmentation.dcm"].SOPInstanceUID
    assert report.ReferencedSOPInstanceUID == objects["report.dcm"].SOPInstanceUID


def test_no_text_of_the_patient_is_drawn() -> None:
    plain, renamed = build_case(), build_case()
    for header in renamed.series.headers:
        header.PatientName, header.PatientID, header.AccessionNumber = "Other^Name", "PID-8", "ACC-8"
    for name in ("captures/node_01.dcm", "captures/node_02.dcm"):
        assert dicom_objects(plain)[name].PixelData == dicom_objects(renamed)[name].PixelData
