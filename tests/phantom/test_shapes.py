"""Analytic shapes know their inside, their distance and their box."""

import numpy as np
import pytest

from phantom.shapes import OUTSIDE_MM, Blob, Column, Tube, smooth_course

SPHERE = Blob(np.array([3.0, -2.0, 5.0]), np.eye(3), np.full(3, 4.0), np.zeros((0, 4)), 0.0)


def cloud(count: int = 4000, reach: float = 30.0) -> list[np.ndarray]:
    return list(np.random.default_rng(1).uniform(-reach, reach, (3, count)).astype(np.float32))


def test_a_round_blob_is_a_sphere() -> None:
    x, y, z = cloud()
    expected = np.sqrt((x - 3) ** 2 + (y + 2) ** 2 + (z - 5) ** 2) - 4
    np.testing.assert_allclose(SPHERE.distance_mm(x, y, z), expected, atol=1e-3)


@pytest.mark.parametrize("amplitude", [0.0, 0.3])
def test_a_blob_lies_in_its_box_and_in_its_ball(amplitude: float) -> None:
    lobes = np.array([[4.0, 1, 2, 0.1], [-2, 3, 3, 2.0], [1, -4, 2, 4.0]])
    blob = Blob(np.array([1.0, 2, 3]), np.eye(3), np.array([5.0, 8, 6]), lobes, amplitude)
    points = np.array(cloud(20000, 20.0))
    inside = points[:, blob.distance_mm(*points) < 0]
    assert inside.shape[1] > 100
    for values, (low, high) in zip(inside, blob.box(), strict=True):
        assert low <= values.min()
        assert values.max() <= high
    assert np.linalg.norm(inside.T - blob.centre, axis=1).max() <= blob.reach_mm()


def test_scaling_and_moving_a_blob_keeps_its_form() -> None:
    moved = SPHERE.moved(np.zeros(3)).scaled(2.0)
    x, y, z = cloud()
    np.testing.assert_allclose(moved.distance_mm(x, y, z), np.sqrt(x**2 + y**2 + z**2) - 8, atol=1e-3)


def test_a_straight_tube_is_a_capsule() -> None:
    tube = Tube(np.array([[0.0, 0, -10], [0, 0, 10]]), np.array([3.0, 3.0]))
    x, y, z = cloud()
    along = np.clip(z, -10, 10)
    np.testing.assert_allclose(tube.distance_mm(x, y, z), np.sqrt(x**2 + y**2 + (z - along) ** 2) - 3, atol=1e-3)


def test_a_smooth_course_passes_through_its_control_points() -> None:
    control = np.array([[0.0, 0, 40], [10, 5, 20], [12, -5, 0], [20, 0, -30]])
    tube = smooth_course(control, np.full(4, 2.0))
    x, y, z = control.astype(np.float32).T
    np.testing.assert_allclose(tube.distance_mm(x, y, z), -2.0, atol=1e-3)
    at_x, at_y, radius = tube.at_height(20.0)
    assert (float(at_x), float(at_y), float(radius)) == pytest.approx((10, 5, 2))


def test_an_upright_column_is_an_elliptic_cylinder_with_ends() -> None:
    column = Column(np.array([[-5.0, 1, 2, 6, 4], [5, 1, 2, 6, 4]]))
    x, y, z = cloud(reach=12.0)
    inside = (((x - 1) / 6) ** 2 + ((y - 2) / 4) ** 2 < 1) & (np.abs(z) <= 5)
    np.testing.assert_array_equal(column.distance_mm(x, y, z) < 0, inside)
    beyond = column.distance_mm(*(np.array([v], dtype=np.float32) for v in (1, 2, 6)))
    assert beyond[0] == OUTSIDE_MM


def test_a_turned_column_turns_from_x_towards_y() -> None:
    column = Column(np.array([[-5.0, 0, 0, 8, 2], [5, 0, 0, 8, 2]]), turn_deg=90.0)
    zero = np.zeros(1, np.float32)
    assert column.distance_mm(zero, zero + 7, zero)[0] < 0 < column.distance_mm(zero + 7, zero, zero)[0]
