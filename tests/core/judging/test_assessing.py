"""Whether enough of a station was seen: by volume, by extent along the body, and by where the images end."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from core.findings import Gate, StationAssessment
from core.judging.assessing import assess_stations, profile_stations, within_field_of_view
from core.judging.station_reference import DEFAULT_STATION_REFERENCE, StationReference
from core.judging.station_reference import StationSize as Size
from core.labels import INTERNAL_ILIAC, OBTURATOR, STATION_LABELS, Station
from core.measuring.midline import Midline
from core.rules import ScoringRules
from export.references import build_station_reference, midline_of_labels, whole_sizes
from tests.core.bodies import grid, segmentation, stations
from tests.core.results import all_assessed

SHAPE, SPACING_MM = (30, 81, 121), (4.0, 1.0, 1.0)
MIDLINE = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.9, trusted=True)
FULL_SLICE_MM3 = 29 * 24 * 4.0
"""Of one station of one side: 29 columns (20 to 50 mm, neither of them), 24 rows, 4 mm."""

Cut = tuple[str, str]


def _whole() -> npt.NDArray[np.uint8]:
    """Return stations over slices 2 to 27, the regional ones over 3 to 26: none ends outside."""
    labels = stations(grid(SHAPE, SPACING_MM))
    labels[:2], labels[28:] = 0, 0
    regional = np.isin(labels, (OBTURATOR, INTERNAL_ILIAC))
    regional[3:27] = False
    labels[regional] = 0
    return labels


def _reference(extent_mm: float = 96.0, open_mm: float = 96.0, volume_mm3: float = 10_000.0) -> StationReference:
    names = STATION_LABELS.values()
    every: dict[str, dict[Station, float]] = {
        "volume_mm3": dict.fromkeys(names, volume_mm3),
        "extent_mm": dict.fromkeys(names, extent_mm),
        "open_extent_mm": dict.fromkeys(names, open_mm),
    }
    return StationReference(side_count=20, **every)


def _missing(
    labels: npt.NDArray[np.uint8],
    reference: StationReference | None = None,
    midline: Midline = MIDLINE,
) -> dict[Cut, str]:
    """Return (side, station) -> reason of what was not assessed, on a grid with the labels' slices."""
    volume = grid(labels.shape, SPACING_MM)
    segmented = segmentation(volume, np.zeros(labels.shape, dtype=np.float32), station_labels=labels)
    assessed = assess_stations(segmented, midline, ScoringRules(), reference or _reference())
    assert len(assessed) == 6
    return {(each.side, each.station): str(each.reason) for each in assessed if not each.assessed}


def _both(*names: str) -> set[Cut]:
    return {(side, name) for side in ("left", "right") for name in names}


def test_stations_that_end_within_the_images_and_are_large_enough_are_assessed() -> None:
    assert _missing(_whole()) == {}


def test_the_size_of_a_station_is_its_volume_and_the_slices_that_show_it() -> None:
    profiles = profile_stations(grid(SHAPE, SPACING_MM).with_voxels(_whole()), MIDLINE)
    sizes = {(each.side, each.station): (round(each.size.volume_mm3, 6), each.size.extent_mm) for each in profiles}
    assert sizes["left", "obturator"] == (24 * FULL_SLICE_MM3, 24 * 4.0)
    assert sizes["right", "external_iliac"] == (26 * FULL_SLICE_MM3, 26 * 4.0)
    assert all(each.whole for each in profiles)


def test_a_station_is_too_small_below_four_fifths_of_what_training_shows() -> None:
    volume_mm3 = 24 * FULL_SLICE_MM3
    assert _missing(_whole(), _reference(volume_mm3=volume_mm3 / 0.8 - 1)) == {}
    missing = _missing(_whole(), _reference(volume_mm3=volume_mm3 / 0.8 + 10))
    assert set(missing) == _both("obturator", "internal_iliac")
    assert "only 66816 mm3 were seen; at least 66824 mm3 are needed" in missing["left", "obturator"]


def test_a_station_is_too_short_below_four_fifths_of_what_training_shows() -> None:
    assert _missing(_whole(), _reference(extent_mm=119.9)) == {}
    missing = _missing(_whole(), _reference(extent_mm=121.0))
    assert set(missing) == _both("obturator", "internal_iliac")
    assert missing["right", "obturator"] == "only 96 mm along the body were seen; at least 97 mm are needed"


def test_one_side_is_assessed_for_itself() -> None:
    labels = _whole()
    labels[:, :, 61:][labels[:, :, 61:] == OBTURATOR] = 0
    assert set(_missing(labels)) == {("left", "obturator")}


def test_a_regional_station_that_the_lowest_slice_cuts_is_not_assessed_however_long() -> None:
    missing = _missing(_whole()[4:], _reference(extent_mm=50, open_mm=50))
    assert set(missing) == _both("obturator", "internal_iliac")
    assert all("the lowest slice cuts through it" in reason for reason in missing.values())


def test_a_station_that_the_highest_slice_cuts_must_be_as_long_as_most_whole_ones() -> None:
    cut = _whole()[:25]
    assert _missing(cut, _reference(open_mm=88.0)) == {}
    missing = _missing(cut, _reference(open_mm=88.1))
    assert set(missing) == _both("obturator", "internal_iliac")
    assert "it reaches the highest slice, and only 88 mm along the body" in missing["left", "internal_iliac"]


def test_a_trifle_on_the_lowest_slice_does_not_count_as_reaching_it_and_more_than_that_does() -> None:
    labels = _whole()[2:]
    first = np.argwhere(labels[1] == OBTURATOR)
    for share, cut in ((0.09, set()), (0.3, {("left", "obturator"), ("right", "obturator")})):
        tapered = labels.copy()
        for row in range(round(24 * share)):
            tapered[0, first[0][0] + row, labels[1, first[0][0]] == OBTURATOR] = OBTURATOR
        assert set(_missing(tapered, _reference(open_mm=150.0))) == cut


def test_the_external_iliac_station_is_open_at_both_ends_and_counts_by_its_extent() -> None:
    labels = _whole()[2:28]
    assert labels[0].any()
    assert labels[-1].any()
    assert _missing(labels, _reference(open_mm=1000.0)) == {}
    assert ("left", "external_iliac") in _missing(labels, _reference(extent_mm=131.0))


def test_the_side_of_the_field_of_view_cuts_a_regional_station() -> None:
    labels = _whole()[:, :, 15:]
    volume = replace(grid(SHAPE, SPACING_MM), voxels=grid(SHAPE, SPACING_MM).voxels[:, :, 15:])
    segmented = segmentation(volume, np.zeros(labels.shape, dtype=np.float32), station_labels=labels)
    assessed = assess_stations(segmented, MIDLINE, ScoringRules(), _reference())
    missing = {(each.side, each.station): str(each.reason) for each in assessed if not each.assessed}
    assert set(missing) == {("right", "obturator"), ("right", "internal_iliac")}
    assert all("the side of the field of view cuts through it" in reason for reason in missing.values())


def test_without_a_trusted_midline_nothing_is_assessed() -> None:
    missing = _missing(_whole(), midline=replace(MIDLINE, trusted=False))
    assert set(missing) == _both(*STATION_LABELS.values())
    assert all("midline could not be trusted" in reason for reason in missing.values())


def test_a_plane_through_the_stations_is_no_midline() -> None:
    half = _whole()
    half[:, :, :61] = 0
    missing = _missing(half, midline=replace(MIDLINE, point_lps_mm=(35.0, 0.0, 0.0)))
    assert set(missing) == _both(*STATION_LABELS.values())
    assert all("the midline runs through it" in reason for reason in missing.values())


def test_nothing_segmented_is_nothing_assessed() -> None:
    assert set(_missing(np.zeros(SHAPE, dtype=np.uint8))) == _both(*STATION_LABELS.values())


def test_the_smallest_volume_of_the_rules_still_counts_where_it_asks_for_more() -> None:
    volume = grid(SHAPE, SPACING_MM)
    segmented = segmentation(volume, np.zeros(SHAPE, dtype=np.float32), station_labels=_whole())
    rules = ScoringRules(min_station_volume_mm3=70_000.0)
    assessed = assess_stations(segmented, MIDLINE, rules, _reference())
    assert {(each.side, each.station) for each in assessed if not each.assessed} == _both("obturator", "internal_iliac")


def test_what_is_enough_is_the_default_when_nobody_says_otherwise() -> None:
    volume = grid(SHAPE, SPACING_MM)
    segmented = segmentation(volume, np.zeros(SHAPE, dtype=np.float32), station_labels=_whole())
    said = assess_stations(segmented, MIDLINE, ScoringRules(), DEFAULT_STATION_REFERENCE)
    assert assess_stations(segmented, MIDLINE, ScoringRules()) == said


@pytest.mark.parametrize("outcome", ["warn", "refuse"])
def test_a_field_of_view_that_is_too_small_takes_every_assessment_back(outcome: str) -> None:
    gate = Gate("field_of_view", outcome, "covers little")  # type: ignore[arg-type]
    earlier = StationAssessment("left", "obturator", False, 3.0, "too little")
    told = within_field_of_view((earlier, *all_assessed()), (gate,))
    assert not any(each.assessed for each in told)
    assert told[0] == earlier
    assert "field of view is too small" in str(told[1].reason)
    assert within_field_of_view(all_assessed(), (replace(gate, outcome="pass"),)) == all_assessed()


def test_a_training_case_gives_the_sizes_of_its_whole_stations_and_no_others() -> None:
    labels = _whole()
    labels[:, :, :60][:3][labels[:, :, :60][:3] == 0] = 0
    labels[0:3, :, 61:] = np.where(labels[3, :, 61:] == OBTURATOR, OBTURATOR, labels[0:3, :, 61:])
    sizes = whole_sizes(grid(SHAPE, SPACING_MM).with_voxels(labels))
    assert [len(sizes[name]) for name in ("external_iliac", "obturator", "internal_iliac")] == [1, 1, 2]
    (left,) = sizes["obturator"]
    assert (round(left.volume_mm3, 6), left.extent_mm) == (24 * FULL_SLICE_MM3, 96.0)


def test_the_midline_of_labels_lies_between_their_sides() -> None:
    labels = grid(SHAPE, SPACING_MM).with_voxels(_whole())
    assert midline_of_labels(labels).point_lps_mm[0] == pytest.approx(0.0)
    assert not midline_of_labels(labels.with_voxels(np.zeros(SHAPE, dtype=np.uint8))).trusted


def test_a_reference_holds_low_quantiles_and_needs_enough_sides() -> None:
    sizes = [Size(1000.0 * n, float(n)) for n in range(1, 202)]
    built = build_station_reference([dict.fromkeys(STATION_LABELS.values(), sizes)])
    # Linear between order statistics (Hyndman and Fan 1996, type 7): 1 + 200 q.
    assert (built.side_count, built.volume_mm3["obturator"]) == (201, 2000.0)
    assert (built.extent_mm["obturator"], built.open_extent_mm["obturator"]) == (2.0, 61.0)
    with pytest.raises(ValueError, match="at least 10 whole sides, got 9 of external_iliac, 9 of obturator"):
        build_station_reference([dict.fromkeys(STATION_LABELS.values(), sizes[:9])])
