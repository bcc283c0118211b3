"""Stations: node holes are filled from around."""

import numpy as np

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, NODE_NEGATIVE, NODE_POSITIVE, OBTURATOR
from core.measuring.stations import fill_stations, main_station, nearest_stations, station_shares

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
