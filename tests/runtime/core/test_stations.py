"""Stations: holes are filled from around, and each side is assessed for itself."""

import numpy as np
import pytest

from runtime.core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, NODE_NEGATIVE, NODE_POSITIVE, OBTURATOR
from runtime.core.midline import Midline
from runtime.core.rules import ScoringRules
from runtime.core.stations import assess_stations, fill_stations, main_station, nearest_stations, station_shares
from tests.runtime.core.bodies import grid, segmentation, stations

SPACING_MM = (4.0, 1.0, 1.0)


def test_a_node_inside_one_station_becomes_that_station() -> None:
    labels = np.full((5, 21, 21), OBTURATOR, dtype=np.uint8)
    labels[1:4, 8:13, 8:13] = NODE_POSITIVE
    labels[2, 10, 10] = NODE_NEGATIVE
    assert (fill_stations(labels, SPACING_MM) == OBTURATOR).all()


def test_a_node_between_two_stations_is_divided_by_the_nearer() -> None:
    labels = np.zeros((1, 10, 12), dtype=np.uint8)
    labels[0, :, :4], labels[0, :, 4:8], labels[0, :, 8:] = EXTERNAL_ILIAC, NODE_NEGATIVE, INTERNAL_ILIAC
    filled = fill_stations(labels, SPACING_MM)
    assert (filled[0, :, :6] == EXTERNAL_ILIAC).all()
    assert (filled[0, :, 6:] == INTERNAL_ILIAC).all()


def test_distances_are_in_mm_and_not_in_voxels() -> None:
    labels = np.zeros((3, 1, 5), dtype=np.uint8)
    labels[0, 0, 0], labels[1, 0, 0], labels[1, 0, 3] = EXTERNAL_ILIAC, NODE_NEGATIVE, OBTURATOR
    assert fill_stations(labels, SPACING_MM)[1, 0, 0] == OBTURATOR
    assert fill_stations(labels, (1.0, 1.0, 1.0))[1, 0, 0] == EXTERNAL_ILIAC


def test_a_node_far_from_every_station_lies_in_none() -> None:
    labels = np.zeros((1, 3, 30), dtype=np.uint8)
    labels[0, :, :2] = OBTURATOR
    node = np.zeros(labels.shape, dtype=np.bool_)
    node[0, 1, 20] = True
    assert not nearest_stations(labels, SPACING_MM, node).any()
    assert not nearest_stations(np.zeros_like(labels), SPACING_MM, node).any()


def test_background_outside_the_nodes_stays_background() -> None:
    labels = np.zeros((1, 9, 9), dtype=np.uint8)
    labels[0, :3], labels[0, 4, 4] = OBTURATOR, NODE_NEGATIVE
    filled = fill_stations(labels, SPACING_MM)
    assert filled[0, 4, 4] == OBTURATOR
    assert np.count_nonzero(filled) == 3 * 9 + 1


def test_shares_add_up_and_the_largest_names_the_station() -> None:
    shares = station_shares(np.array([0, 1, 2, 2, 2], dtype=np.uint8))
    assert shares == {"external_iliac": 0.25, "obturator": 0.75, "internal_iliac": 0.0}
    assert main_station(shares) == "obturator"
    assert main_station(station_shares(np.zeros(4, dtype=np.uint8))) is None


def test_every_side_and_station_is_assessed_by_its_own_volume() -> None:
    volume = grid((5, 81, 121), SPACING_MM)
    labels = stations(volume)
    labels[0] = 0
    labels[:, :, 61:][labels[:, :, 61:] == OBTURATOR] = 0
    empty = np.zeros(volume.shape, dtype=np.float32)
    midline = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.9, trusted=True)
    assessed = assess_stations(segmentation(volume, empty, station_labels=labels), midline, ScoringRules())
    assert [(a.side, a.station) for a in assessed if not a.assessed] == [("left", "obturator")]
    assert len(assessed) == 6
    right = next(a for a in assessed if (a.side, a.station) == ("right", "obturator"))
    assert right.volume_mm3 == pytest.approx(29 * 24 * 4 * 4.0)
    assert right.reason is None


def test_without_a_trusted_midline_nothing_is_assessed() -> None:
    volume = grid((5, 81, 121), SPACING_MM)
    midline = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.1, trusted=False)
    segmented = segmentation(volume, np.zeros(volume.shape, dtype=np.float32))
    assessed = assess_stations(segmented, midline, ScoringRules())
    assert not any(a.assessed for a in assessed)
    assert all(a.reason is not None and "midline" in a.reason for a in assessed)


def test_a_regional_station_that_the_lowest_slice_cuts_is_not_assessed() -> None:
    volume = grid((5, 81, 121), SPACING_MM)
    midline = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.9, trusted=True)
    labels = stations(volume)
    labels[0, :, :61] = 0
    segmented = segmentation(volume, np.zeros(volume.shape, dtype=np.float32), station_labels=labels)
    cut = {(a.side, a.station): a.reason for a in assess_stations(segmented, midline, ScoringRules()) if not a.assessed}
    assert set(cut) == {("left", "obturator"), ("left", "internal_iliac")}
    assert all("lowest slice" in str(reason) for reason in cut.values())
