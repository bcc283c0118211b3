"""The acquired grid places voxels in LPS and in the body alike."""

import numpy as np

from core.volume import Volume
from phantom.grid import ImageGrid, Pose

GRID = ImageGrid((7, 40, 50), (3.6, 0.8, 0.7), 3.0, (12.0, -8.0, 40.0), 14.0, Pose((25.0, -30.0, 11.0), 7.0))


def test_pose_turns_back_what_it_turned() -> None:
    points = np.random.default_rng(0).normal(0, 50, (20, 3))
    np.testing.assert_allclose(GRID.pose.to_body_mm(GRID.pose.to_lps_mm(points)), points, atol=1e-9)


def test_index_and_body_positions_are_inverse() -> None:
    index = np.random.default_rng(0).uniform(0, 7, (20, 3))
    np.testing.assert_allclose(GRID.body_to_index(GRID.index_to_body(index)), index, atol=1e-9)


def test_the_grid_agrees_with_the_volume_of_the_same_geometry() -> None:
    volume = Volume(np.zeros(GRID.shape), GRID.spacing_mm, GRID.origin_lps_mm, GRID.direction)
    index = np.array([[0, 0, 0], [6, 39, 49], [3, 10, 20]])
    np.testing.assert_allclose(GRID.pose.to_lps_mm(GRID.index_to_body(index)), volume.index_to_lps_mm(index), atol=1e-9)
    np.testing.assert_allclose(volume.index_to_lps_mm((3, 19.5, 24.5)), GRID.centre_lps_mm, atol=1e-9)


def test_coordinates_are_the_body_positions_of_the_subslices() -> None:
    everything = (slice(0, 21), slice(0, 40), slice(0, 50))
    x, y, z = np.broadcast_arrays(*GRID.coordinates(everything))
    for fine, row, column in ((0, 0, 0), (10, 17, 33), (20, 39, 49)):
        expected = GRID.index_to_body((GRID.fine_index[fine], row, column))
        np.testing.assert_allclose([v[fine, row, column] for v in (x, y, z)], expected, atol=1e-3)


def test_subslices_span_the_thickness_and_leave_the_gap() -> None:
    offsets = GRID.subslice_offsets * GRID.spacing_mm[0]
    np.testing.assert_allclose(offsets, [-1.0, 0.0, 1.0])


def test_cover_holds_every_voxel_of_a_box_and_none_far_off() -> None:
    centre = GRID.index_to_body((3, 20, 25))
    box = tuple((float(c - 4), float(c + 4)) for c in centre)
    where = GRID.cover(box)  # type: ignore[arg-type]
    assert where is not None
    mask = np.zeros(GRID.fine_shape, bool)
    mask[where] = True
    coordinates = np.broadcast_arrays(*GRID.coordinates((slice(0, 21), slice(0, 40), slice(0, 50))))
    inside = np.all([np.abs(v - c) <= 4 for v, c in zip(coordinates, centre, strict=True)], axis=0)
    assert inside.any()
    assert mask[inside].all()
    assert GRID.cover(((500.0, 510.0), (0.0, 1.0), (0.0, 1.0))) is None
