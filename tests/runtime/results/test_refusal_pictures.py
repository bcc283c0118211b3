"""A series refused while it was read is drawn from its headers, whatever they hold."""

import copy
import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from core.errors import CaseRefused, Reason, RefusalCode
from core.reading import read_series
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from runtime.results.gate_card import CARD_PX
from runtime.results.key_images import to_png
from runtime.results.panels import HEADER_PX
from runtime.results.refusal_facts import ends_of, orientations, positions_mm, read_slices
from runtime.results.refusal_pictures import refusal_pictures
from runtime.results.refusal_positions import stack_of
from tests.core.dicom_cases import ROOT, classic, encode_all, enhanced, image, set_pixels
from tests.fixtures.drawing import examples

READING_CODES = (
    "missing_slice", "duplicate_slice", "missing_geometry", "too_few_slices", "mixed_geometry", "not_axial", "not_mr",
    "not_t2", "derived_image", "several_series", "no_suitable_series", "tied_series", "too_coarse",
    "unreadable_pixels", "unsupported_pixels",
)  # fmt: skip
"""Codes with a drawing of their own."""

SAGITTAL = ["0", "1", "0", "0", "0", "-1"]
RED, ORANGE, GAP = (255, 104, 92), (255, 184, 84), (104, 44, 42)


def _refusal(datasets: list[Dataset]) -> tuple[Reason, ...]:
    with pytest.raises(CaseRefused) as caught:
        read_series(encode_all(datasets))
    return caught.value.reasons


def _headers(datasets: list[Dataset]) -> list[Dataset]:
    kept = copy.deepcopy(datasets)
    for dataset in kept:
        del dataset.PixelData
    return kept


def _count(picture: Any, colour: tuple[int, int, int]) -> int:
    return int(np.count_nonzero(np.abs(np.asarray(picture).astype(int) - np.array(colour)).max(axis=-1) < 12))


def _without_slices(datasets: list[Dataset]) -> None:
    del datasets[2:4]


def _with_a_slice_twice(datasets: list[Dataset]) -> None:
    datasets.append(copy.deepcopy(datasets[3]))
    datasets[-1].SOPInstanceUID = f"{ROOT}.9.99"
    set_pixels(datasets[-1], datasets[2].pixel_array)


def _without_position(datasets: list[Dataset]) -> None:
    del datasets[4].ImagePositionPatient


def _mixed(datasets: list[Dataset]) -> None:
    datasets[0].ImageOrientationPatient = SAGITTAL


def _sagittal(datasets: list[Dataset]) -> None:
    for number, dataset in enumerate(datasets):
        dataset.ImageOrientationPatient, dataset.ImagePositionPatient = SAGITTAL, [3 * number, 0, 0]


def _t1(datasets: list[Dataset]) -> None:
    for dataset in datasets:
        dataset.EchoTime, dataset.RepetitionTime = 12, 600


def _derived_t1(*words: str) -> list[Dataset]:
    datasets = classic(image(9))
    _t1(datasets)
    for dataset in datasets:
        dataset.ImageType, dataset.PixelSpacing = ["DERIVED", "PRIMARY", *words], [0.7, 0.7]
    return datasets


def _coarse(datasets: list[Dataset]) -> None:
    for dataset in datasets:
        dataset.PixelSpacing = [1.8, 1.8]


def _two_series(datasets: list[Dataset]) -> None:
    datasets[0].SeriesInstanceUID = f"{ROOT}.77"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_without_slices, "missing_slice"),
        (_with_a_slice_twice, "duplicate_slice"),
        (_without_position, "missing_geometry"),
        (_mixed, "mixed_geometry"),
        (_sagittal, "not_axial"),
        (_t1, "not_t2"),
        (_coarse, "too_coarse"),
        (_two_series, "several_series"),
    ],
)
def test_what_the_reader_refuses_is_drawn_and_repeats_to_the_byte(
    change: Callable[[list[Dataset]], None], code: str
) -> None:
    datasets = classic(image(9))
    change(datasets)
    reasons = _refusal(datasets)
    pictures = refusal_pictures(reasons, _headers(datasets))
    assert [picture.name for picture in pictures] == [
        f"gates/{each}" for each in dict.fromkeys(r.code for r in reasons)
    ]
    picture = next(picture for picture in pictures if picture.code == code)
    assert picture.image.size[0] == CARD_PX
    assert not picture.description.endswith("in words")
    again = refusal_pictures(reasons, _headers(datasets))
    assert [to_png(each.image) for each in pictures] == [to_png(each.image) for each in again]


def test_a_gap_is_red_and_a_duplicate_orange() -> None:
    gapped, doubled = classic(image(9)), classic(image(9))
    _without_slices(gapped)
    _with_a_slice_twice(doubled)
    gap, double = (
        refusal_pictures([Reason(RefusalCode.MISSING_SLICE, "a gap")], _headers(each))[0].image
        for each in (gapped, doubled)
    )
    assert _count(gap, GAP) > 2000
    assert _count(double, GAP) < 100  # a few pixels at the edges of letters
    assert _count(double, ORANGE) > _count(gap, ORANGE) + 300


def test_the_image_type_is_red_unless_the_site_lets_filtered_images_pass() -> None:
    filtered, computed = _derived_t1("M", "NORM"), _derived_t1("MPR")
    reasons = _refusal(filtered)
    taken = replace(DEFAULT_LIMITS, filtered_images="warn")

    def red(datasets: list[Dataset], limits: ReadingLimits) -> int:
        of_t1 = [reason for reason in reasons if reason.code == "not_t2"]
        return _count(refusal_pictures(of_t1, _headers(datasets), limits)[0].image, RED)

    assert red(filtered, DEFAULT_LIMITS) > red(filtered, taken) + 100
    assert red(computed, taken) == red(computed, DEFAULT_LIMITS)


def test_only_the_slices_that_cannot_be_decoded_are_red() -> None:
    datasets = classic(image(9))
    for index in (2, 6):
        datasets[index].PixelData = datasets[index].PixelData[:-40]
    reasons = _refusal(datasets)
    assert [(reason.code, reason.slices) for reason in reasons] == [(RefusalCode.UNREADABLE_PIXELS, (2, 6))]
    numbers = [int(datasets[index].InstanceNumber) for index in (2, 6)]
    assert f"(Instance Number {numbers[0]}, {numbers[1]})" in reasons[0].message
    (picture,) = refusal_pictures(reasons, _headers(datasets))
    assert not picture.description.endswith("in words")
    ticks = np.asarray(picture.image).astype(int)[HEADER_PX + 100]
    red = np.flatnonzero(np.abs(ticks - np.array(RED)).max(axis=-1) < 12)
    assert np.count_nonzero(np.diff(red) > 1) == 1, "two ticks are red"


def test_an_image_that_states_no_frames_is_red_as_well() -> None:
    headers = _headers(classic(image(5)))
    headers[1].NumberOfFrames = 0
    assert [each.unusable for each in read_slices(headers)] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("absent", "numbers", "missing"),
    [((), range(1, 10), ()), ((2, 3), (1, 2, 5, 6, 7, 8, 9), (3, 4)), ((1, 7), (1, 3, 4, 5, 6, 7, 9), (2, 8))],
)
def test_slices_are_counted_from_the_feet_as_if_none_were_missing(
    absent: tuple[int, ...], numbers: Iterable[int], missing: tuple[int, ...]
) -> None:
    headers = [header for index, header in enumerate(_headers(classic(image(9)))) if index not in absent]
    stack = stack_of(read_slices(reversed(headers)))
    assert stack.numbers == tuple(numbers)
    assert stack.missing == missing
    assert ends_of(stack.slices) == ("feet", "head")
    heights = [float(each.frame.numbers("ImagePositionPatient")[2]) for each in stack.slices]
    assert heights == sorted(heights)


def test_a_stack_whose_every_second_slice_is_missing_is_counted_by_the_stated_distance() -> None:
    headers = _headers(classic(image(9)))[::2]
    for header in headers:
        header.SpacingBetweenSlices = header.SliceThickness = image(9).spacing_mm[0]
    assert stack_of(read_slices(headers)).missing == (2, 4, 6, 8)


def test_positions_are_those_along_the_normal() -> None:
    volume = image(5)
    datasets = classic(volume)
    slices = read_slices(_headers([datasets[index] for index in (3, 0, 4, 1, 2)]))
    (group,) = orientations(slices)
    assert [each.number for each in group] == [1, 2, 3, 4, 5]
    assert positions_mm(group) == pytest.approx(np.array([3, 0, 4, 1, 2]) * volume.spacing_mm[0], abs=1e-4)


def test_a_series_goes_by_its_series_number_as_in_the_messages() -> None:
    first, second, third = classic(image(2)), classic(image(2)), classic(image(2))
    for datasets, number, uid in ((first, "12", "1.2.33"), (second, "3", "1.2.11"), (third, None, "1.2.22")):
        for dataset in datasets:
            dataset.SeriesInstanceUID, dataset.SeriesNumber = uid, number
    slices = read_slices(_headers([*first, *second, *third]))
    assert [each.series_name for each in slices] == ["12"] * 2 + ["3"] * 2 + ["without number"] * 2
    assert [each.series for each in slices] == [1, 1, 2, 2, 3, 3]
    for dataset in second:
        dataset.SeriesNumber = "12"
    assert {each.series_name for each in read_slices(_headers([*first, *second]))} == {
        "12 (UID ends in 1.2.33)",
        "12 (UID ends in 1.2.11)",
    }


def test_frames_of_an_enhanced_image_are_slices_too() -> None:
    slices = read_slices(_headers([enhanced(image(7), (2, 0, 1, 6, 5, 4, 3))]))
    assert len(orientations(slices)[0]) == 7
    assert {each.series for each in slices} == {1}


@pytest.mark.parametrize("code", [*READING_CODES, "empty_input"])
def test_without_headers_a_card_says_the_reason(code: str) -> None:
    (picture,) = refusal_pictures([Reason(RefusalCode(code), "what was got; allowed: something else")], ())
    assert picture.name == f"gates/{code}"
    assert picture.description.endswith("in words")


def test_reasons_of_one_code_share_a_picture() -> None:
    reasons = [
        Reason(RefusalCode.NOT_T2, "one"),
        Reason(RefusalCode.NOT_MR, "two"),
        Reason(RefusalCode.NOT_T2, "three"),
    ]
    assert [picture.code for picture in refusal_pictures(reasons, ())] == ["not_t2", "not_mr"]


def test_texts_and_names_in_the_headers_change_nothing() -> None:
    plain, named = _headers(classic(image(7))), _headers(classic(image(7)))
    for dataset in named:
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Doe^Jane", "4711", "19700101"
        dataset.SeriesDescription = dataset.ProtocolName = dataset.StudyDescription = "Doe Jane t2_tra"
        dataset.StudyDate, dataset.InstitutionName, dataset.SOPInstanceUID = "20250101", "Clinic", "1.2.3"
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.2.4", "1.2.5", "1.2.6"
    reasons = [Reason(RefusalCode(code), "a reason") for code in READING_CODES]
    bytes_of = [[to_png(each.image) for each in refusal_pictures(reasons, headers)] for headers in (plain, named)]
    assert bytes_of[0] == bytes_of[1]


@pytest.mark.parametrize("keyword", ["ImageType", "Modality", "ScanningSequence", "AcquisitionContrast"])
def test_a_name_in_the_place_of_a_code_is_not_drawn(keyword: str) -> None:
    headers = [_headers(classic(image(5), **{keyword: name})) for name in ("DOE JANE", "ROE RICHARD")]
    reasons = [Reason(RefusalCode(code), "a reason") for code in ("not_t2", "several_series")]
    first, second = ([to_png(each.image) for each in refusal_pictures(reasons, each)] for each in headers)
    assert first == second


NONSENSE = (
    b"", b"\\",
    b"nan\\inf\\-inf", b"1e300\\1e300\\1e300", b"-1e308\\1e308\\0", b"text",
    b"\xff\xfe\x00", b"0\\0\\0\\0\\0\\0",
    b"1\\0\\0\\0\\1\\0", b"1\\0\\0", b"99999999999999999999", b"1", b"0", b"-5", b"MR", b"DERIVED\\x",
)  # fmt: skip
TOUCHED = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "SliceThickness",
    "SpacingBetweenSlices", "EchoTime", "RepetitionTime", "ImageType", "Modality", "ScanningSequence", "ScanOptions",
    "SeriesInstanceUID", "SeriesNumber", "SOPClassUID", "NumberOfFrames", "PerFrameFunctionalGroupsSequence",
    "DiffusionBValue", "SharedFunctionalGroupsSequence", "AcquisitionContrast", "LossyImageCompression",
)  # fmt: skip


@functools.cache
def _intact() -> tuple[Dataset, ...]:
    return tuple(_headers(classic(image(6))))


@examples(20)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(TOUCHED), st.sampled_from(NONSENSE), st.booleans()), max_size=12
    )
)
def test_damaged_headers_never_raise(damage: list[tuple[int, str, bytes, bool]]) -> None:
    headers = copy.deepcopy(list(_intact()))
    for index, keyword, value, absent in damage:
        tag = Tag(keyword)
        headers[index].pop(tag, None)
        if not absent:
            vr = pydicom.datadict.dictionary_VR(tag)
            raw = RawDataElement(tag, vr.split(" ")[0], len(value), value, 0, False, True)
            headers[index]._dict[tag] = raw
    reasons = [Reason(RefusalCode(code), "a reason") for code in READING_CODES]
    assert len(refusal_pictures(reasons, headers)) == len(READING_CODES)


def test_empty_headers_and_values_of_other_types_never_raise() -> None:
    odd = Dataset()
    for keyword, value in {"Rows": "many", "Columns": None, "NumberOfFrames": "2147483647", "EchoTime": "x"}.items():
        tag = Tag(keyword)
        odd._dict[tag] = DataElement(tag, "UN", value, already_converted=True)
    reasons = [Reason(RefusalCode(code), "a reason") for code in READING_CODES]
    assert len(refusal_pictures(reasons, [Dataset(), odd, *_intact()])) == len(READING_CODES)


def test_many_orientations_are_counted_and_not_drawn_over_each_other() -> None:
    headers = [copy.deepcopy(_intact()[0]) for _ in range(36)]
    for number, header in enumerate(headers):
        turn = np.radians(5 * number)
        header.ImageOrientationPatient = [f"{v:.9f}" for v in (np.cos(turn), np.sin(turn), 0, 0, 0, -1)]
    assert len(orientations(read_slices(headers))) == 36
    (picture,) = refusal_pictures([Reason(RefusalCode.MIXED_GEOMETRY, "turned")], headers)
    assert picture.image.size[0] == CARD_PX


def test_the_drawing_ends_at_as_many_slices_as_an_input_may_have() -> None:
    assert len(read_slices([Dataset()] * 4100)) == 4000
