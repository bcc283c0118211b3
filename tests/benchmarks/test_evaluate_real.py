"""The landmarks of real series, and what is told of a segmentation there."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluate_real import by_station, describe_stations, largest_piece
from benchmarks.real_landmarks import Landmark, ask, disagreement_mm, landmarks, landmarks_of
from benchmarks.real_report import markdown
from core.labels import EXTERNAL_ILIAC, NODE_NEGATIVE, OBTURATOR, Station
from core.measuring.midline import Midline
from core.reading import read_series
from core.volume import Reorientation, Volume, canonicalise
from runtime.results.regions import CaseRegions

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
SERIES = ("PX0000_t2_tra", "PX0001_t2_tra_series6", "PX0001_t2_tra_series10", "PX0218_t2_tra")


@pytest.mark.parametrize("series", SERIES)
def test_every_series_has_landmarks_of_both_kinds_on_both_sides(series: str) -> None:
    found = landmarks_of(series)
    assert len(found) >= 25
    inside = Counter((station, each.side) for each in found if each.inside for station in each.stations)
    for side in ("left", "right"):
        assert {("external_iliac", side), ("obturator", side), ("internal_iliac", side)} <= set(inside)
    organs = {each.structure for each in found if not each.inside}
    assert {"bladder", "rectum", "prostate", "femoral_head", "obturator_internus", "subcutaneous_fat"} <= organs


def test_the_two_passes_lie_close_together() -> None:
    told = disagreement_mm(landmarks())
    assert told == {"median": 0.79, "p95": 3.1, "largest": 6.6}


def test_landmarks_lie_on_what_they_name_in_the_real_series(real_series: Path) -> None:
    """Flow voids of arteries are dark, the bladder and subcutaneous fat bright, on a T2-weighted image."""
    volume = canonicalise(read_series(real_series).volume)[0]
    signal: dict[str, list[float]] = {}
    for each in landmarks_of(real_series.name):
        for place in each.places_lps_mm:
            index = tuple(np.rint(volume.lps_mm_to_index(place)).astype(int))
            signal.setdefault(each.structure, []).append(float(volume.voxels[index]))
    dark = max(signal["external_iliac_artery"] + signal["external_iliac_vein"] + signal["femoral_artery"])
    assert dark < min(signal["subcutaneous_fat"] + signal["bladder"])
    assert max(signal["obturator_internus"]) < min(signal["obturator_fat"])


def _grid(voxels: np.ndarray) -> Volume:
    return Volume(voxels, (4.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])


def _landmark(stations: tuple[Station, ...], x: float) -> Landmark:
    return Landmark("one", "vessel", "left", stations, ((x, 5.0, 4.0), (x + 1, 5.0, 4.0)))


def test_a_landmark_counts_when_both_places_lie_in_its_station_and_a_node_there_is_no_fault() -> None:
    labels = np.zeros((3, 10, 20), np.uint8)
    labels[1, 5, 2:4], labels[1, 5, 4] = OBTURATOR, NODE_NEGATIVE
    wanted = [_landmark(("obturator",), x) for x in (2, 3, 4)] + [_landmark(("external_iliac",), 2), _landmark((), 4)]
    answers = ask(_grid(labels), wanted)
    assert [each.right for each in answers] == [True, True, False, False, False]
    assert answers[2].found == ("node", "background")
    assert ask(_grid(labels), [_landmark((), 10)])[0].right


def test_a_landmark_outside_the_series_is_an_error() -> None:
    with pytest.raises(ValueError, match="vessel of one lies outside its series"):
        ask(_grid(np.zeros((3, 10, 20), np.uint8)), [_landmark((), 25)])


def test_the_largest_piece_is_a_share_of_the_whole() -> None:
    mask = np.zeros((2, 6, 6), np.bool_)
    assert largest_piece(mask) == 0
    mask[0, 0, :3], mask[1, 1, 3] = True, True  # joined over a corner
    mask[0, 5, 5] = True
    assert largest_piece(mask) == pytest.approx(0.8)


def _regions() -> CaseRegions:
    labels = np.zeros((3, 10, 20), np.uint8)
    labels[:, 2:6, 2:6] = EXTERNAL_ILIAC
    labels[:2, 2:6, 14:18] = EXTERNAL_ILIAC
    labels[1, 3:5, 15:17] = NODE_NEGATIVE
    volume = _grid(labels)
    midline = Midline((10.0, 5.0, 4.0), (1.0, 0.0, 0.0), quality=1.0, trusted=True)
    nowhere = Reorientation((0, 1, 2), (False, False, False))
    empty = volume.with_voxels(np.zeros(labels.shape, np.uint16))
    return CaseRegions(volume.with_voxels(labels.astype(np.float32)), volume, empty, midline, nowhere)


def test_stations_are_told_by_side_with_the_holes_of_nodes_filled() -> None:
    right, left = describe_stations(_regions())[:2]
    assert (right["volume_ml"], left["volume_ml"]) == (0.2, 0.1)  # 48 and 32 voxels of 4 mm3
    assert (right["section_cm2"], left["section_cm2"]) == (0.16, 0.16)
    assert (right["largest_piece"], left["pieces"]) == (1.0, 1)
    assert right["sides_alike"]
    assert not right["section_plausible"]


def test_the_kept_table_of_the_demo_bundle_covers_all_landmarks_and_the_repeats() -> None:
    report = json.loads((RESULTS / "real_series_before.json").read_text(encoding="utf-8"))
    assert tuple(each["series"] for each in report["series"]) == SERIES
    assert sum(each[kind]["of"] for each in report["series"] for kind in ("inside", "organs_free")) == len(landmarks())
    assert list(report["repeats"]) == ["PX0001_t2_tra_series6, PX0001_t2_tra_series10"]
    assert markdown(report) == (RESULTS / "real_series_before.md").read_text(encoding="utf-8")
    assert "| figure | sidewall-demo 0.3.1 | sidewall-demo 0.3.1 | aim |" in markdown(report, report)


@pytest.mark.parametrize("leg", [1, 2, 3])
def test_the_kept_pages_of_the_legs_are_those_of_their_figures(leg: int) -> None:
    before, report = (
        json.loads((RESULTS / f"real_series_{name}.json").read_text(encoding="utf-8"))
        for name in ("before", f"leg_{leg}")
    )
    assert markdown(report, before) == (RESULTS / f"real_series_leg_{leg}.md").read_text(encoding="utf-8")


def test_a_landmark_of_two_stations_has_one_name_whatever_their_order() -> None:
    answers = ask(_grid(np.zeros((3, 10, 10), np.uint8)), [_landmark(("obturator", "internal_iliac"), 3.0)])
    assert by_station(answers) == {"internal_iliac or obturator": {"right": 0, "of": 1}}
