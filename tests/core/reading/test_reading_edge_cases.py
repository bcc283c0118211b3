"""DICOM edge cases from public test suites: each ends in a refusal that says what is wrong, and nothing crashes."""

import gzip
from pathlib import Path

import pytest

from core.errors import CaseRefused
from core.reading import read_series


def refusal(source: Path | list[Path | bytes]) -> str:
    with pytest.raises(CaseRefused) as refused:
        read_series(source)
    assert refused.value.reasons
    return str(refused.value)


@pytest.mark.parametrize("folder", ["charset", "compressed", "malformed", "enhanced_mr", "seg_sr", "dicomdir"])
def test_no_edge_case_is_taken_for_an_axial_t2_series(shared_data: Path, folder: str) -> None:
    files = [path for path in sorted((shared_data / "dicom_edge" / folder).rglob("*")) if path.is_file()]
    assert files
    for path in files:
        refusal(path)


def test_a_whole_folder_of_edge_cases_is_refused_at_once(shared_data: Path) -> None:
    message = refusal(shared_data / "dicom_edge/dicomdir")
    assert "several_series: the input mixes 13 series" in message
    assert "mixed_patients: the instances are of several patients" in message


EXPECTED = {
    "enhanced_mr/emri_small.dcm": "missing_geometry: no usable position, orientation or pixel spacing",
    "enhanced_mr/emri_small_RLE.dcm": "missing_geometry: no usable position, orientation or pixel spacing",
    "enhanced_mr/emri_small_jpeg_2k_lossless_too_short.dcm": "not_dicom: no readable DICOM image in 1 of 1 file",
    "malformed/badVR.dcm": "unreadable_pixels: an image states no usable number of frames",
    "malformed/decimal_rescale.dcm": "not_dicom: an image lacks its SOP instance UID",
    "malformed/CTImageStorage_bad_meta.dcm": "not_mr: modality is CT",
    "malformed/rtplan_truncated.dcm": "not_dicom: no DICOM image among 1 file",
    "compressed/JPEG2000-embedded-sequence-delimiter.dcm": "unreadable_pixels: the pixels of 1 of 1 slice cannot",
    "compressed/JPEG-lossy.dcm": "unsupported_pixels: the pixels are JPEG Extended of 12 bits",
    "compressed/SC_rgb_rle.dcm": "unsupported_pixels: the pixels are not single grey values",
    "compressed/slicethickness_empty_string.dcm": "not_axial: the slices are tilted 90 degrees",
    "compressed/zipMR.gz": "not_dicom: 1 package of DICOM images",
    "seg_sr/liver.dcm": "not_mr: modality is SEG",
    "seg_sr/sr.dcm": "not_dicom: no DICOM image among 1 file",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_edge_case_is_refused_for_what_is_wrong_with_it(shared_data: Path, name: str) -> None:
    assert EXPECTED[name] in refusal(shared_data / "dicom_edge" / name)


def test_all_encodings_of_one_small_image_are_refused_alike(shared_data: Path) -> None:
    files = sorted((shared_data / "dicom_edge/compressed").glob("MR_small*.dcm"))
    assert len(files) == 8
    (message,) = {refusal(path) for path in files}
    assert message == (
        "derived_image: the image type is DERIVED; allowed: ORIGINAL images; "
        "not_t2: the echo time is 240 ms; allowed: 70 to 140 ms; too_few_slices: 1 slice; allowed: at least 5"
    )


def test_an_enhanced_gradient_echo_of_the_head_is_refused_by_its_functional_groups(shared_data: Path) -> None:
    content = gzip.decompress((shared_data / "dicom_edge/enhanced_mr/philips_mprage.dcm.gz").read_bytes())
    message = refusal([content])
    for part in ("the echo time is 3.513 ms", "the acquisition contrast is T1", "not_axial: the slices are tilted"):
        assert part in message
    assert "missing_geometry" not in message
    assert "missing_slice" not in message
