"""Images called DERIVED: filtered originals pass where the site says so, computed images never do."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from core.errors import CaseRefused
from core.reading import read_series
from core.reading.derivation import FILTERED_WARNING
from core.reading.limits import DEFAULT_LIMITS
from core.selection import Verdict, select_series
from core.volume import Volume
from tests.core.dicom_cases import TILTED, classic, encode_all, enhanced, image
from tests.core.study_cases import series

TAKEN = replace(DEFAULT_LIMITS, filtered_images="warn")
FILTERED = ["DERIVED", "PRIMARY", "M", "NORM"]


def code(value: str, scheme: str = "DCM") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "of a vendor"
    return [item]


NO_MORE_THAN_FILTERED: dict[str, dict[str, Any]] = {
    "nothing said": {"ImageType": FILTERED},
    "two values": {"ImageType": ["DERIVED", "PRIMARY"]},
    "other": {"ImageType": ["DERIVED", "PRIMARY", "OTHER"]},
    "distortion correction": {"ImageType": [*FILTERED, "DIS3D", "FM", "FIL"]},
    "smoothed": {"ImageType": FILTERED, "DerivationCodeSequence": code("113087")},
    "unsharp mask": {"ImageType": FILTERED, "DerivationCodeSequence": code("113089")},
    "described": {"ImageType": FILTERED, "DerivationDescription": "Edge enhancing filter A2, deep learning"},
}
COMPUTED: dict[str, tuple[dict[str, Any], str]] = {
    "secondary": ({"ImageType": ["DERIVED", "SECONDARY", "M"]}, "the image type is DERIVED"),
    "ADC": ({"ImageType": ["DERIVED", "PRIMARY", "ADC", "NORM"]}, "the image type says ADC"),
    "MPR": ({"ImageType": ["DERIVED", "PRIMARY", "MPR", "NORM"]}, "the image type says MPR"),
    "MIP": ({"ImageType": ["DERIVED", "PRIMARY", "MIP"]}, "the image type says MIP"),
    "subtraction": ({"ImageType": ["DERIVED", "PRIMARY", "M", "SUB"]}, "the image type says SUB"),
    "projection": ({"ImageType": ["DERIVED", "PRIMARY", "PROJECTION IMAGE"]}, "says PROJECTION IMAGE"),
    "map of any kind": ({"ImageType": ["DERIVED", "PRIMARY", "R2_STAR MAP"]}, "its type says MAP"),
    "word within a word": ({"ImageType": ["DERIVED", "PRIMARY", "CSA MPR"]}, "its type says MPR"),
    "code of a reformat": ({"ImageType": FILTERED, "DerivationCodeSequence": code("113072")}, "code is 113072"),
    "code of a subtraction": ({"ImageType": FILTERED, "DerivationCodeSequence": code("113062")}, "code is 113062"),
    "code of a vendor": ({"ImageType": FILTERED, "DerivationCodeSequence": code("X1", "99V")}, "not a known one"),
    "described": ({"ImageType": FILTERED, "DerivationDescription": "MIP thin, HIDDEN^NAME"}, "speaks of MIP"),
    "described as reformat": (
        {"ImageType": FILTERED, "DerivationDescription": "axial_reformatted"},
        "speaks of REFORMAT",
    ),
    "volumetric": ({"ImageType": FILTERED, "VolumetricProperties": "SAMPLED"}, "properties are SAMPLED"),
    "technique": ({"ImageType": FILTERED, "VolumeBasedCalculationTechnique": "MAX_IP"}, "technique is MAX_IP"),
    "from 3D": ({"ImageType": FILTERED, "MRAcquisitionType": "3D"}, "acquired in 3D"),
    "overlapping": ({"ImageType": FILTERED, "SliceThickness": 6}, "slices of 6 mm every 3.3 mm"),
    "fat of Dixon": ({"ImageType": ["DERIVED", "PRIMARY", "DIXON", "FAT"]}, "FAT"),
    "lossy reformat": (
        {"ImageType": FILTERED, "LossyImageCompression": "01", "DerivationCodeSequence": code("113072")},
        "code is 113072",
    ),
}


def slices(**tags: Any) -> list[bytes]:
    volume = image()
    grid = Volume(volume.voxels, (3.3, 0.6, 0.6), volume.origin_lps_mm, TILTED)
    return encode_all(classic(grid, **tags))


def refusal(contents: list[bytes], **options: Any) -> str:
    with pytest.raises(CaseRefused) as caught:
        read_series(contents, **options)
    message = str(caught.value)
    assert "HIDDEN" not in message.upper()
    return message


@pytest.mark.parametrize("kind", NO_MORE_THAN_FILTERED)
def test_a_filtered_original_is_refused_with_the_settings_name_and_passes_by_it(kind: str) -> None:
    contents = slices(**NO_MORE_THAN_FILTERED[kind])
    assert "the setting filtered_images is warn" in refusal(contents)
    read = read_series(contents, TAKEN)
    assert read.warnings == (FILTERED_WARNING,)
    assert np.array_equal(read.volume.voxels, image().voxels)


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_computed_image_is_refused_whatever_the_setting(kind: str) -> None:
    tags, said = COMPUTED[kind]
    for limits in (DEFAULT_LIMITS, TAKEN):
        message = refusal(slices(**tags), limits=limits)
        assert said in message
        if "FAT" not in message:
            assert message.startswith("derived_image")
            assert "filtered_images" not in message, "the setting would not help"


def test_pixels_that_are_not_square_speak_of_a_reformat() -> None:
    contents = encode_all(classic(image(), ImageType=FILTERED))
    assert "not square" in refusal(contents, limits=TAKEN)


def test_one_computed_slice_among_filtered_ones_is_refused() -> None:
    volume = image()
    datasets = classic(Volume(volume.voxels, (3.3, 0.6, 0.6), volume.origin_lps_mm, TILTED), ImageType=FILTERED)
    datasets[3].DerivationCodeSequence = code("113078")
    assert "code is 113078" in refusal(encode_all(datasets), limits=TAKEN)


def test_a_lossy_original_passes_with_its_own_warning_alone() -> None:
    tags: dict[str, Any] = {"ImageType": FILTERED, "LossyImageCompression": "01"}
    for limits in (DEFAULT_LIMITS, TAKEN):
        (warning,) = read_series(
            slices(**tags, DerivationCodeSequence=code("113040"), DerivationDescription="Lossy, ratio 8"), limits
        ).warnings
        assert "compressed with loss" in warning


def test_frames_of_an_enhanced_image_go_by_their_own_derivation() -> None:
    volume = image()
    dataset = enhanced(Volume(volume.voxels, (3.3, 0.6, 0.6), volume.origin_lps_mm, TILTED), range(7))
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        groups.MRImageFrameTypeSequence[0].FrameType = ["DERIVED", "PRIMARY", "T2", "FILTERED"]
    assert FILTERED_WARNING in read_series(encode_all([dataset]), TAKEN).warnings
    derivation = Dataset()
    derivation.DerivationCodeSequence = code("113072")
    dataset.PerFrameFunctionalGroupsSequence[4].DerivationImageSequence = [derivation]
    assert "code is 113072" in refusal(encode_all([dataset]), limits=TAKEN)


def test_selection_goes_by_the_setting_as_reading_does() -> None:
    contents = encode_all(series(1, ImageType=FILTERED))
    (excluded,) = select_series(contents).candidates
    assert "filtered_images" in str(excluded.exclusions)
    selection = select_series(contents, limits=TAKEN)
    assert selection.chosen is not None
    assert selection.chosen.verdict is Verdict.ELIGIBLE
    for kind in ("code of a reformat", "described", "volumetric", "technique"):
        tags, said = COMPUTED[kind]
        (candidate,) = select_series(encode_all(series(1, **tags)), limits=TAKEN).candidates
        assert said in str(candidate.exclusions)
