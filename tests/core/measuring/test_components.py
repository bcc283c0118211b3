"""Components: which voxels belong to one node."""

import numpy as np

from core.measuring.components import component_boxes, grow, node_components

SPACING_MM = (3.0, 1.0, 1.0)


def _posterior(*boxes: tuple[slice, slice, slice]) -> np.ndarray:
    posterior = np.full((6, 20, 40), 0.1, dtype=np.float32)
    for box in boxes:
        posterior[box] = 0.9
    return posterior


def test_bodies_apart_are_nodes_apart_and_specks_are_left_out() -> None:
    first, second = np.s_[1:4, 3:9, 3:9], np.s_[2:5, 8:14, 20:28]
    speck = np.s_[0:1, 0:2, 38:40]
    instances = node_components(_posterior(first, second, speck), SPACING_MM, 0.5, min_volume_mm3=15.0)
    assert sorted(np.bincount(instances.reshape(-1))[1:]) == [3 * 36, 3 * 48]
    assert len(set(instances[first].reshape(-1))) == len(set(instances[second].reshape(-1))) == 1
    assert not instances[speck].any()


def test_the_threshold_belongs_to_the_node() -> None:
    posterior = np.zeros((3, 8, 8), dtype=np.float32)
    posterior[1, 2:6, 2:6] = 0.25
    assert np.count_nonzero(node_components(posterior, SPACING_MM, 0.25, 15.0)) == 16
    assert not node_components(posterior, SPACING_MM, 0.26, 15.0).any()


def test_a_narrow_bridge_parts_two_bodies_and_every_voxel_goes_to_one_of_them() -> None:
    posterior = _posterior(np.s_[1:5, 4:14, 4:14], np.s_[1:5, 4:14, 16:26], np.s_[1:5, 8:10, 14:16])
    instances = node_components(posterior, SPACING_MM, 0.5, 15.0)
    assert sorted(np.unique(instances)) == [0, 1, 2]
    assert np.array_equal(instances > 0, posterior >= 0.5)
    assert len(np.unique(instances[1:5, 4:14, 4:14])) == len(np.unique(instances[1:5, 4:14, 16:26])) == 1


def test_a_broad_bridge_does_not_part_a_body() -> None:
    posterior = _posterior(np.s_[1:5, 4:14, 4:14], np.s_[1:5, 4:14, 16:26], np.s_[1:5, 5:13, 14:16])
    assert node_components(posterior, SPACING_MM, 0.5, 15.0).max() == 1


def test_nothing_above_the_threshold_gives_no_instances() -> None:
    instances = node_components(_posterior(), SPACING_MM, 0.5, 15.0)
    assert not instances.any()
    assert component_boxes(instances) == []


def test_a_grown_box_stays_inside_the_array() -> None:
    assert grow(np.s_[0:2, 3:5, 8:10], 2, (10, 10, 10)) == np.s_[0:4, 1:7, 6:10]
