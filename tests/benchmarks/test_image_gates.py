"""Every planted fault is told in a real series, and what is unusual but sound passes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.artefact_faults import ARTEFACTS, FAINT
from benchmarks.image_faults import FAULTS, SOUND, Planting
from benchmarks.image_gates import examine, hospital_image, judge_planting, markdown
from core.judging.image_check import examine_image
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.reading import read_series
from core.volume import Volume, canonicalise

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def series() -> Volume:
    """Return a real series at half its resolution: 19 slices of 192 x 192."""
    volume = canonicalise(read_series(REPOSITORY / "tests" / "data" / "PX0000_t2_tra").volume)[0]
    spacing_mm = (volume.spacing_mm[0], 2 * volume.spacing_mm[1], 2 * volume.spacing_mm[2])
    return replace(volume, voxels=np.ascontiguousarray(volume.voxels[:, ::2, ::2]), spacing_mm=spacing_mm)


def test_a_real_series_passes(series: Volume) -> None:
    record = examine("PX0000", series, None, DEFAULT_IMAGE_REFERENCE)
    assert record["fired"] == {}
    assert record["grey_levels"] > 100


@pytest.mark.parametrize("planting", [*FAULTS, *ARTEFACTS, *SOUND, *FAINT], ids=lambda planting: planting.name)
def test_a_fault_is_told_and_what_is_sound_is_not(planting: Planting, series: Volume) -> None:
    assert judge_planting(planting, series, DEFAULT_IMAGE_REFERENCE)


def _told(planting: str, series: Volume) -> list[str]:
    (found,) = [each for each in (*FAULTS, *ARTEFACTS) if each.name == planting]
    check = examine_image(series.with_voxels(found.change(series)), DEFAULT_IMAGE_REFERENCE)
    return [gate.message for gate in check.gates if gate.outcome == "warn"]


def test_slices_are_named_by_number_from_the_feet(series: Volume) -> None:
    # 19 slices: the middle one has index 9, so that it is the tenth.
    assert _told("one slice zero", series) == [
        "no image of their place: slice 10 without any image (of 19 slices, numbered from the feet)"
    ]
    (exchanged,) = _told("two neighbours exchanged", series)
    assert "slices 10-11 out of their order" in exchanged
    (copied,) = _told("a copy of a far slice", series)
    assert "slices 4, 10 that are copies of another slice, or copied" in copied
    (zone,) = _told("a box of zeros in a third of the slices", series)
    assert zone.startswith("there is an area of one value where tissue should be, in slices 6-12 of 19 ")


def test_what_runs_through_the_image_is_told_in_words(series: Volume) -> None:
    for planting, words in (
        ("contrast turned round", "through the whole image: its contrast is turned round (bright to dark voxels "),
        ("wrapped by a third of the rows", "the body is wrapped about the border of the image"),
        ("a copy of a third, half a field away", "copies of the body lie over it"),
        ("stripes in one slice", "slice 10 with the stripes of a spike"),
    ):
        assert words in " ".join(_told(planting, series)), planting


def test_the_page_says_what_was_told(series: Volume) -> None:
    record = examine("PX0000", series, None, DEFAULT_IMAGE_REFERENCE)
    told = [{"what": "one slice zero", "must_warn": True, "images": 3, "right": 2}]
    report = {
        "command": "python -m benchmarks.image_gates",
        "clean_means": "without ghosts",
        "limits": {"min_grey_levels": 32.0},
        "plantings": told,
        "verdicts": [{"what": "one slice zero", "must_be": True, "images": 2, "withheld": 2}],
        "clean": [],
        "real": [record],
        "chosen_on": [record | {"fired": {"odd_slices": "..."}}],
    }
    text = markdown(json.loads(json.dumps(report)))
    assert "| real series | 1 | 0 |" in text
    assert "| phantoms that the limits were chosen on | 1 | 1 (PX0000) |" in text
    assert "| one slice zero | 3 | 2 |" in text
    assert "| one slice zero | 2 | 2 | 2 |" in text


def test_images_are_kept_for_another_run(tmp_path: Path, series: Volume) -> None:
    np.savez(
        tmp_path / "7.npz",
        voxels=series.voxels,
        spacing=np.asarray(series.spacing_mm),
        origin=np.asarray(series.origin_lps_mm),
        direction=series.direction,
    )
    kept = hospital_image(7, tmp_path)
    assert kept.same_grid(series)
    np.testing.assert_array_equal(kept.voxels, series.voxels)
