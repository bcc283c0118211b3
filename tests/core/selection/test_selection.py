"""What selection makes of hand-made studies: each criterion, ties, overrides, and what surrounds images."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    SegmentationStorage,
)

from core.coverage import MIN_COVERAGE_MM, MIN_IN_PLANE_FIELD_MM
from core.errors import CaseRefused, RefusalCode
from core.reading import ReadingLimits, read_series
from core.selection import ReasonCode, Selection, SeriesCandidate, Verdict, select_series
from core.selection.study import read_study
from core.volume import Volume
from tests.core.dicom_cases import ROOT, encode, encode_all
from tests.core.study_cases import SAGITTAL, enhanced_series, series, stack, tilted, uid_of


def select(*datasets: Dataset | Sequence[Dataset], junk: Sequence[bytes] = (), **options: Any) -> Selection:
    flat = [each for part in datasets for each in ([part] if isinstance(part, Dataset) else part)]
    selection = select_series([*encode_all(flat), *junk], **options)
    said = str(selection.refusal) + str(selection.warnings) + str(selection.candidates)
    assert "HIDDEN" not in said.upper(), "no text must carry patient data"
    return selection


def chosen_number(selection: Selection) -> int | None:
    assert selection.chosen is not None, selection.refusal
    return selection.chosen.series_number


def candidate(selection: Selection, number: int) -> SeriesCandidate:
    return next(each for each in selection.candidates if each.series_number == number)


def codes(each: SeriesCandidate) -> set[str]:
    return {str(reason.code) for reason in each.reasons}


def test_the_one_fitting_series_is_chosen_with_its_instances_and_reasons() -> None:
    selection = select(series(4), series(5, stack(direction=SAGITTAL)))
    assert chosen_number(selection) == 4
    assert selection.refusal == ()
    assert len(selection.require()) == 12
    chosen = selection.candidates[0]
    assert chosen is selection.chosen
    assert chosen.verdict is Verdict.ELIGIBLE
    # 192 mm from right to left, 0.6 mm pixels, 3.5 mm slices, no tilt: all points; 42 of 30-100 mm height: 15 * 12/70.
    points = {str(reason.code): reason.points for reason in chosen.reasons}
    assert points == {
        "lateral_coverage": 40.0,
        "head_feet_coverage": 2.6,
        "in_plane_spacing": 15.0,
        "slice_spacing": 15.0,
        "axial": 15.0,
    }
    assert chosen.score == 87.6
    assert all(reason.message for each in selection.candidates for reason in each.reasons)


EXCLUSIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "CT": ({"Modality": "CT", "SOPClassUID": CTImageStorage}, "not_mr", "modality is CT"),
    "modality absent": ({"Modality": None}, "not_mr", "modality is not stated"),
    "gradient echo": ({"ScanningSequence": "GR"}, "not_t2", "includes GR"),
    "echo planar": ({"ScanningSequence": ["SE", "EP"]}, "not_t2", "includes EP"),
    "inversion recovery": ({"ScanningSequence": ["SE", "IR"]}, "not_t2", "includes IR"),
    "3D": ({"MRAcquisitionType": "3D"}, "not_2d", "the acquisition is 3D"),
    "short echo": ({"EchoTime": 12}, "not_t2", "echo time is 12 ms"),
    "long echo": ({"EchoTime": 141}, "not_t2", "echo time is 141 ms"),
    "no echo": ({"EchoTime": None}, "not_t2", "no echo time"),
    "short repetition": ({"RepetitionTime": 600}, "not_t2", "repetition time is 600 ms"),
    "diffusion": ({"DiffusionBValue": 800.0}, "not_t2", "b = 800"),
    "fat saturation": ({"ScanOptions": ["PFP", "FS"]}, "not_t2", "fat-suppressed"),
    "dixon water": ({"ImageType": ["ORIGINAL", "PRIMARY", "DIXON", "WATER"]}, "not_t2", "Dixon acquisition (WATER)"),
    "dixon fat": ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "F"]}, "not_t2", "Dixon acquisition (F)"),
    "phase": ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "not_t2", "no magnitude (P)"),
    "localizer": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "not_t2", "LOCALIZER"),
    "derived": ({"ImageType": ["DERIVED", "SECONDARY"]}, "derived_image", "DERIVED"),
    "ADC": ({"ImageType": ["ORIGINAL", "PRIMARY", "ADC"]}, "derived_image", "says ADC"),
    "TRACEW": ({"ImageType": ["ORIGINAL", "PRIMARY", "TRACEW"]}, "derived_image", "says TRACEW"),
    "SUB": ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "SUB"]}, "derived_image", "says SUB"),
    "MIP": ({"ImageType": ["ORIGINAL", "PRIMARY", "MIP"]}, "derived_image", "says MIP"),
    "contrast": ({"ContrastBolusAgent": "Gadobutrol"}, "contrast_agent", "contrast agent"),
    "brain": ({"BodyPartExamined": "BRAIN"}, "other_body_part", "body part is BRAIN"),
}


@pytest.mark.parametrize("name", EXCLUSIONS)
def test_a_series_is_excluded_for_what_it_is_and_the_right_one_chosen(name: str) -> None:
    tags, code, text = EXCLUSIONS[name]
    # Larger than the right one, so that it would win if it were eligible.
    selection = select(series(1, stack(16), **tags), series(2))
    assert chosen_number(selection) == 2
    excluded = candidate(selection, 1)
    assert excluded.verdict is Verdict.EXCLUDED
    assert [reason for reason in excluded.exclusions if reason.code == code and text in reason.message]


@pytest.mark.parametrize("name", EXCLUSIONS)
def test_alone_an_excluded_series_is_refused_with_its_codes(name: str) -> None:
    tags, code, _ = EXCLUSIONS[name]
    (reason,) = select(series(1, **tags)).refusal
    assert reason.code is RefusalCode.NO_SUITABLE_SERIES
    assert code in reason.message
    assert uid_of(1) in reason.message


EXCLUDED_STACKS = {
    "sagittal": (stack(direction=SAGITTAL), "not_axial"),
    "tilted by 50 degrees": (stack(direction=tilted(50)), "not_axial"),
    "two slices": (stack(2), "too_few_slices"),
    "coarse pixels": (stack(spacing_mm=(3.5, 2.0, 2.0)), "too_coarse"),
    "far slices": (stack(spacing_mm=(9.0, 0.6, 0.6)), "too_coarse"),
}


@pytest.mark.parametrize("name", EXCLUDED_STACKS)
def test_a_stack_that_cannot_be_analysed_is_excluded(name: str) -> None:
    volume, code = EXCLUDED_STACKS[name]
    selection = select(series(1, volume), series(2))
    assert chosen_number(selection) == 2
    assert code in {reason.code for reason in candidate(selection, 1).exclusions}


def test_an_incomplete_series_gives_way_to_its_complete_repeat() -> None:
    selection = select([*series(1)[:5], *series(1)[6:]], series(2))
    assert chosen_number(selection) == 2
    assert RefusalCode.MISSING_SLICE in {reason.code for reason in candidate(selection, 1).exclusions}


def test_the_one_series_with_a_gap_is_refused_for_the_gap_and_not_for_its_kind() -> None:
    gap = [*series(1)[:5], *series(1)[6:]]
    (reason,) = select(gap).refusal
    assert reason.code is RefusalCode.MISSING_SLICE
    assert reason.message.startswith(f"series 1 ({uid_of(1)}): about 1 missing: a step of 7.00 mm")
    (reason,) = select(gap, series(2, stack(direction=SAGITTAL))).refusal
    assert reason.code is RefusalCode.MISSING_SLICE
    assert reason.message.startswith(f"of 2 series only series 1 ({uid_of(1)}) could be an axial T2-weighted series")
    assert "SeriesInstanceUID" not in reason.message


def test_a_refusal_for_a_gap_is_about_that_series_alone() -> None:
    selection = select([*series(1)[:5], *series(1)[6:]], series(2, stack(direction=SAGITTAL)))
    with pytest.raises(CaseRefused) as refusal:
        selection.require()
    assert {header.SeriesInstanceUID for header in refusal.value.headers} == {uid_of(1)}
    assert len(refusal.value.headers) == 11


def test_the_one_series_of_the_kind_is_chosen_though_slices_share_a_place_for_the_pixels_tell_copies() -> None:
    twice = [*series(1), *series(1)[3:5]]
    for number, dataset in enumerate(twice[-2:]):
        dataset.SOPInstanceUID = f"{ROOT}.9.{number}"
    selection = select(twice, series(2, stack(direction=SAGITTAL)))
    assert chosen_number(selection) == 1
    assert len(selection.instances) == 14
    assert selection.warnings == ()
    assert ReasonCode.PIXELS_DECIDE in codes(candidate(selection, 1))
    # A whole series comes before it, and two such series are no choice.
    assert chosen_number(select(twice, series(2))) == 2
    again = [*series(3), series(3)[3]]
    again[-1].SOPInstanceUID = f"{ROOT}.9.9"
    assert [reason.code for reason in select(twice, again).refusal] == [RefusalCode.NO_SUITABLE_SERIES]


def test_several_series_with_faults_are_listed_with_them() -> None:
    (reason,) = select([*series(1)[:5], *series(1)[6:]], series(2, stack(2)), series(3, EchoTime=12)).refusal
    assert reason.code is RefusalCode.NO_SUITABLE_SERIES
    assert reason.message.startswith("2 series are an axial T2-weighted series")
    assert "missing_slice" in reason.message
    assert "too_few_slices" in reason.message
    assert "not_t2" not in reason.message


def test_naming_a_series_is_advised_only_where_reading_would_take_it() -> None:
    (reason,) = select(series(1, MRAcquisitionType="3D")).refusal
    assert "to try one all the same, name the one to analyse" in reason.message
    (reason,) = select(series(1, stack(direction=SAGITTAL))).refusal
    assert "to try one" not in reason.message


def test_what_is_needed_is_told_from_what_is_preferred_and_is_what_the_gate_asks_for() -> None:
    reasons = {str(reason.code): reason.message for reason in select(series(1)).candidates[0].reasons}
    needed = f"needed: {MIN_COVERAGE_MM:g} mm, preferred: at least 100 mm"
    assert reasons["head_feet_coverage"] == f"the slices span 42 mm from feet to head; {needed}"
    needed = f"needed: {MIN_IN_PLANE_FIELD_MM:g} mm, preferred: at least 180 mm"
    assert reasons["lateral_coverage"] == f"the slices span 192 mm from right to left; {needed}"


WORSE: dict[str, tuple[Volume, dict[str, Any], ReasonCode]] = {
    "a narrow field of view": (stack(), {"pixels": 240}, ReasonCode.NARROW_FIELD_OF_VIEW),
    "oblique": (stack(direction=tilted(35)), {}, ReasonCode.OBLIQUE),
    "coarser pixels": (stack(spacing_mm=(3.5, 1.2, 1.2)), {}, ReasonCode.IN_PLANE_SPACING),
    "thicker slices": (stack(8, spacing_mm=(5.0, 0.6, 0.6)), {}, ReasonCode.SLICE_SPACING),
    "fewer slices": (stack(6), {}, ReasonCode.HEAD_FEET_COVERAGE),
    "a vague body part": (stack(), {"BodyPartExamined": "LSPINE"}, ReasonCode.BODY_PART),
    "no acquisition type": (stack(), {"MRAcquisitionType": None}, ReasonCode.NOT_STATED),
}


@pytest.mark.parametrize("name", WORSE)
def test_a_worse_series_scores_less_but_is_taken_when_it_is_the_only_one(name: str) -> None:
    volume, tags, code = WORSE[name]
    worse = series(1, volume, **tags)
    both = select(worse, series(2))
    assert chosen_number(both) == 2
    assert candidate(both, 1).verdict is Verdict.ELIGIBLE
    assert code in codes(candidate(both, 1))
    assert candidate(both, 1).score < candidate(both, 2).score
    assert chosen_number(select(worse)) == 1


def test_a_small_oblique_series_gives_way_to_the_one_that_shows_both_sidewalls() -> None:
    # The high-resolution block across the tumour, finer than the survey of the whole pelvis but without its walls.
    tumour = series(6, stack(12, (3.0, 0.4, 0.4), tilted(30)), pixels=400, SeriesDescription="T2 TSE TRA RECTUM")
    pelvis = series(7, stack(12, (4.0, 0.75, 0.75)), SeriesDescription="survey")
    selection = select(tumour, pelvis)
    assert chosen_number(selection) == 7
    assert {"narrow_field_of_view", "oblique"} <= codes(candidate(selection, 6))
    assert "160 mm from right to left" in str(candidate(selection, 6).reasons)


def test_lateral_coverage_is_measured_along_the_patient_and_not_along_the_rows() -> None:
    turned = tilted(0)[:, [0, 2, 1]] * (1, 1, -1)  # rows run from front to back, columns from right to left
    selection = select(series(1, stack(spacing_mm=(3.5, 0.6, 0.5), direction=turned)))
    assert "span 192 mm from right to left" in str(candidate(selection, 1).reasons)


def test_of_the_same_images_with_and_without_corrections_the_corrected_are_taken() -> None:
    plain = series(1, ImageType=["ORIGINAL", "PRIMARY", "M", "ND"])
    corrected = series(2, ImageType=["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"])
    assert chosen_number(select(plain, corrected)) == 2


def test_a_stated_absence_of_contrast_excludes_nothing() -> None:
    assert chosen_number(select(series(1, ContrastBolusAgent="NONE"))) == 1


def test_a_missing_repetition_time_costs_points_and_nothing_else() -> None:
    selection = select(series(1, RepetitionTime=None), series(2))
    assert candidate(selection, 1).score == candidate(selection, 2).score - 5


def test_two_repeats_tie_and_the_refusal_says_which_and_how_to_go_on() -> None:
    selection = select(series(6), series(10), series(3, stack(direction=SAGITTAL)))
    assert selection.chosen is None
    assert selection.instances == ()
    (reason,) = selection.refusal
    assert reason.code is RefusalCode.TIED_SERIES
    for part in (f"series 6 ({uid_of(6)})", f"series 10 ({uid_of(10)})", "by its SeriesInstanceUID"):
        assert part in reason.message
    assert uid_of(3) not in reason.message
    with pytest.raises(CaseRefused, match="tied_series"):
        selection.require()


def test_a_slice_more_is_no_reason_to_prefer_a_repeat() -> None:
    assert select(series(6, stack(12)), series(10, stack(13))).refusal[0].code is RefusalCode.TIED_SERIES


@pytest.mark.parametrize("number", [6, 10])
def test_a_tie_is_settled_by_name(number: int) -> None:
    selection = select(series(6), series(10), series_uid=f" {uid_of(number)}\n")
    assert chosen_number(selection) == number
    assert "named" in codes(selection.candidates[0])
    assert selection.warnings == ()


def test_an_unknown_name_is_refused_without_repeating_it() -> None:
    (reason,) = select(series(6), series_uid="HIDDEN.1").refusal
    assert reason.code is RefusalCode.NO_SUITABLE_SERIES
    assert "the given SeriesInstanceUID is in none of 1 series" in reason.message


def test_an_excluded_series_can_be_named_but_reading_still_judges_it() -> None:
    selection = select(series(1, stack(direction=SAGITTAL)), series(2), series_uid=uid_of(1))
    assert chosen_number(selection) == 1
    assert selection.warnings == ("the named series would not have been chosen: not_axial",)
    with pytest.raises(CaseRefused, match="not_axial"):
        read_series(selection.require())


def test_a_description_settles_a_tie_and_is_not_shown() -> None:
    helpful = series(10, SeriesDescription="T2 TSE TRA PELVIS Hidden^Name")
    selection = select(series(6, SeriesDescription="TSE motion"), helpful)
    assert chosen_number(selection) == 10
    assert "description" in codes(selection.candidates[0])
    assert selection.candidates[0].description == "T2 TSE TRA PELVIS Hidden^Name"


def test_descriptions_that_say_the_same_settle_nothing() -> None:
    repeats = [series(number, SeriesDescription=f"t2_tse_tra ({number})") for number in (6, 10)]
    assert select(*repeats).refusal[0].code is RefusalCode.TIED_SERIES


def test_descriptions_that_lie_do_not_win() -> None:
    adc = series(1, ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"], SeriesDescription="T2 tra pelvis")
    true_t2 = series(2, SeriesDescription="localizer SAG T1 FS", ProtocolName="scout")
    assert chosen_number(select(adc, true_t2)) == 2
    better = series(3, SeriesDescription="localizer")
    worse = series(4, stack(direction=tilted(35)), SeriesDescription="T2 TSE TRA RECTUM")
    assert chosen_number(select(better, worse)) == 3
    assert select(adc).chosen is None


def test_a_description_is_decoded_by_the_character_set_of_its_instance() -> None:
    dataset = series(1, SpecificCharacterSet="ISO_IR 100", SeriesDescription="Bécken quér")
    assert select(dataset).candidates[0].description == "Bécken quér"


@pytest.mark.parametrize(("keyword", "what"), [("PatientID", "patients"), ("StudyInstanceUID", "studies")])
def test_no_score_chooses_between_patients_or_studies(keyword: str, what: str) -> None:
    changed: dict[str, Any] = {keyword: f"{ROOT}.77"}
    other = series(2, stack(14), **changed)
    (reason,) = select(series(1), other).refusal
    assert reason.code is RefusalCode.SEVERAL_SERIES
    assert f"series of 2 {what} qualify" in reason.message
    assert chosen_number(select(series(1), other, series_uid=uid_of(2))) == 2
    sagittal = series(2, stack(direction=SAGITTAL), **changed)
    assert chosen_number(select(series(1), sagittal)) == 1


def test_enhanced_multi_frame_is_chosen_through_its_functional_groups() -> None:
    adc = enhanced_series(2, stack(16))
    for groups in adc.PerFrameFunctionalGroupsSequence:
        groups.MRImageFrameTypeSequence[0].FrameType = ["DERIVED", "PRIMARY", "ADC", "NONE"]
    selection = select(adc, enhanced_series(1), series(3, stack(direction=SAGITTAL)))
    assert chosen_number(selection) == 1
    assert len(selection.require()) == 1
    classic_score = select(series(1)).candidates[0].score
    assert selection.candidates[0].score == classic_score
    assert "derived_image" in codes(candidate(selection, 2))


def change_shared(sequence: str, keyword: str, value: object) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        if sequence not in shared:
            setattr(shared, sequence, Items([Dataset()]))
        setattr(shared[sequence].value[0], keyword, value)

    return change


def change_image(keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(dataset, keyword, value)


ENHANCED_EXCLUSIONS: dict[str, tuple[Callable[[Dataset], None], str]] = {
    "short echo": (change_shared("MREchoSequence", "EffectiveEchoTime", 15.0), "not_t2"),
    "short repetition": (change_shared("MRTimingAndRelatedParametersSequence", "RepetitionTime", 500), "not_t2"),
    "diffusion": (change_shared("MRDiffusionSequence", "DiffusionBValue", 800.0), "not_t2"),
    "fat suppression": (change_shared("MRModifierSequence", "SpectrallySelectedSuppression", "FAT"), "not_t2"),
    "contrast": (
        change_shared("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered", "YES"),
        "contrast_agent",
    ),
    "contrast, classic": (change_image("ContrastBolusAgentSequence", [Dataset()]), "contrast_agent"),
    "3D": (change_image("MRAcquisitionType", "3D"), "not_2d"),
    "gradient echo": (change_image("EchoPulseSequence", "GRADIENT"), "not_t2"),
    "phase": (change_image("ComplexImageComponent", "PHASE"), "not_t2"),
}


@pytest.mark.parametrize("name", ENHANCED_EXCLUSIONS)
def test_an_enhanced_image_is_excluded_for_what_its_functional_groups_say(name: str) -> None:
    change, code = ENHANCED_EXCLUSIONS[name]
    dataset = enhanced_series(1)
    change(dataset)
    (each,) = select(dataset).candidates
    assert code in {reason.code for reason in each.exclusions}


def test_an_enhanced_image_before_contrast_is_not_excluded_by_the_agent_of_the_examination() -> None:
    dataset = enhanced_series(1)
    change_image("ContrastBolusAgentSequence", [Dataset()])(dataset)
    change_shared("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered", "NO")(dataset)
    assert chosen_number(select(dataset)) == 1


OTHER_OBJECTS = {
    "SR": BasicTextSRStorage,
    "PR": GrayscaleSoftcopyPresentationStateStorage,
    "SEG": SegmentationStorage,
}


def other_object(modality: str, number: int) -> Dataset:
    """Return an object that is no MR image: a segmentation has pixels, the others have none."""
    dataset = series(number)[0]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = OTHER_OBJECTS[modality]
    dataset.Modality = modality
    if modality != "SEG":
        for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "ImageType"):
            del dataset[keyword]
    return dataset


def test_other_objects_are_listed_as_excluded_and_what_is_no_dicom_is_counted() -> None:
    others = [other_object(modality, 90 + index) for index, modality in enumerate(OTHER_OBJECTS)]
    selection = select(*others, series(4), junk=[b"", b"abcd", b"text\n" * 50_000, b"\x08\x00" + b"\xff" * 50])
    assert chosen_number(selection) == 4
    assert {each.modality: each.verdict for each in selection.candidates[1:]} == dict.fromkeys(
        OTHER_OBJECTS, Verdict.EXCLUDED
    )
    assert all("not_mr" in codes(each) for each in selection.candidates[1:])
    assert selection.warnings == ("left out: 4 files without readable DICOM, possibly a slice",)
    assert read_series_headers_only(selection) == 12


def read_series_headers_only(selection: Selection) -> int:
    """Return how many instances of the chosen series come back whole."""
    study = read_study(selection.require(), ReadingLimits())
    assert [each.uid for each in study.series] == [selection.chosen and selection.chosen.series_instance_uid]
    return len(study.series[0].headers)


def test_companions_of_a_directory_are_no_reason_to_warn(tmp_path: Path) -> None:
    for index, content in enumerate(encode_all([*series(4), *series(5, ScanningSequence="GR")])):
        (tmp_path / f"IM{index:04d}").write_bytes(content)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".DS_Store").write_bytes(b"\0\1")
    selection = select_series(tmp_path)
    assert chosen_number(selection) == 4
    assert selection.warnings == ()


def test_nothing_and_nothing_but_junk_are_refused_as_reading_refuses_them(tmp_path: Path) -> None:
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04xxxx")
    for source, code in (
        ([], RefusalCode.EMPTY_INPUT),
        (tmp_path / "nowhere", RefusalCode.EMPTY_INPUT),
        ([b"abcd"], RefusalCode.NOT_DICOM),
        (tmp_path / "damaged.zip", RefusalCode.NOT_DICOM),
    ):
        selection = select_series(source)
        assert [reason.code for reason in selection.refusal] == [code]
        assert selection.candidates == ()


def test_only_other_objects_are_refused_with_what_they_are() -> None:
    (reason,) = select(other_object("SR", 90)).refusal
    assert reason.code is RefusalCode.NO_SUITABLE_SERIES
    assert "series 90" in reason.message
    assert "not_mr" in reason.message


@pytest.mark.parametrize("keyword", [element.keyword for element in series(1)[0] if element.keyword])
@pytest.mark.parametrize("how_many", ["one", "all"])
def test_a_missing_element_never_crashes_and_never_makes_a_series_better(keyword: str, how_many: str) -> None:
    datasets = series(1)
    for dataset in datasets if how_many == "all" else datasets[3:4]:
        del dataset[keyword]
    # The other one is 14 mm higher, so it wins unless what is missing made this one better.
    selection = select_series([*encode_all(datasets), *higher_series()])
    assert chosen_number(selection) == 2


@functools.cache
def higher_series() -> tuple[bytes, ...]:
    return tuple(encode_all(series(2, stack(16))))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("EchoTime", b"abc "),
        ("RepetitionTime", b"\xff\xfe\xfd\xfc"),
        ("ImageOrientationPatient", b"1\\0\\0\\0\\nan\\0 "),
        ("PixelSpacing", b"0\\0 "),
        ("SeriesNumber", b"first "),
        ("ImagePositionPatient", b"1e999\\0\\0 "),
        ("Modality", b"Hidden^Name "),
        ("BodyPartExamined", b"Hidden^Name "),
        ("SliceThickness", b"thick "),
    ],
)
def test_malformed_elements_never_crash_and_are_never_shown(keyword: str, value: bytes) -> None:
    datasets = series(1)
    for dataset in datasets:
        setattr(dataset, keyword, None)
        dataset[keyword].VR = "UN"
        dataset[keyword].value = value
    selection = select(datasets, series(2, stack(16)))
    assert chosen_number(selection) == 2


def test_a_count_of_frames_that_cannot_be_believed_excludes_the_series() -> None:
    dataset = enhanced_series(1)
    dataset.NumberOfFrames = 2**31 - 1
    selection = select(dataset, series(2))
    assert chosen_number(selection) == 2
    assert "too_large" in codes(candidate(selection, 1))


def test_damaged_files_never_crash_selection() -> None:
    random = np.random.default_rng(11)
    contents = encode_all(series(1, stack(6)))
    for _ in range(60):
        damaged = [bytearray(content) for content in contents]
        for content in damaged:
            for position in random.integers(0, len(content), 6):
                content[position] = random.integers(256)
        selection = select_series([bytes(content[: random.integers(1, len(content) + 1)]) for content in damaged])
        assert (selection.chosen is None) == bool(selection.refusal)


def test_headers_longer_than_what_is_read_first_are_read_whole() -> None:
    datasets = series(1)
    for dataset in datasets:
        dataset.add_new(0x00091001, "OB", bytes(300_000))
        dataset.PixelData = bytes(300_000)
    assert chosen_number(select(datasets)) == 1


def test_long_deflated_files_are_read_whole() -> None:
    datasets = series(1)
    noise = np.random.default_rng(5).bytes(200_000)
    for dataset in datasets:
        dataset.PixelData = noise
    contents = [encode(dataset, DeflatedExplicitVRLittleEndian) for dataset in datasets]
    assert min(map(len, contents)) > 2**17
    assert chosen_number(select_series(contents)) == 1


def test_native_pixels_are_not_read_to_choose(tmp_path: Path) -> None:
    datasets = series(1)
    for index, dataset in enumerate(datasets):
        dataset.PixelData = bytes(1_000_000)
        content = encode(dataset)
        # All pixels but the first are gone from the file: only who reads them could tell.
        (tmp_path / f"{index}.dcm").write_bytes(content[:200_000])
    assert chosen_number(select_series(tmp_path)) == 1


def test_a_study_beyond_the_limits_is_refused() -> None:
    contents = encode_all(series(1))
    for limits in (ReadingLimits(max_files=11), ReadingLimits(max_files=11, max_input_bytes=10)):
        selection = select_series(contents, study_limits=limits)
        assert [reason.code for reason in selection.refusal] == [RefusalCode.TOO_LARGE]


def test_a_deflated_bomb_is_not_inflated_and_counts_as_unreadable() -> None:
    dataset = series(2)[0]
    dataset.DataSetTrailingPadding = bytes(5_000_000)
    bomb = encode(dataset, DeflatedExplicitVRLittleEndian)
    assert len(bomb) < 20_000
    selection = select_series([bomb, *encode_all(series(1))], limits=ReadingLimits(max_input_bytes=1_000_000))
    assert chosen_number(selection) == 1
    assert len(selection.candidates) == 1
    assert selection.warnings == ("left out: 1 file without readable DICOM, possibly a slice",)
