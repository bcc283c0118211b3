"""The axes of bodies known by formula are met, and the truth they are held against is right."""

import numpy as np
import pytest

from benchmarks.analytic_bodies import AXES_TURNED_BY_NOTHING, Body, acquire, draw_bodies, draw_grid, true_axes_mm
from benchmarks.measurement_accuracy import TARGETS_MM, errors_of, meets_target, summarise
from core.volume import Volume
from tests.core.bodies import grid


def test_the_short_axis_meets_its_targets_on_partial_volumes_and_on_masks() -> None:
    summary = summarise(errors_of(count=30, seed=3))
    assert summary["soft"]["short"]["all"]["bodies"] == 30
    for way in TARGETS_MM:
        assert meets_target(summary, way), summary[way]["short"]["all"]
    bare, softened = (summary[way]["short"]["all"]["mean_mm"] for way in ("bare mask", "mask"))
    assert abs(softened) < abs(bare) / 2


@pytest.mark.parametrize(("offset_mm", "short_mm"), [(0.0, 6.0), (1.5, 6 * np.sqrt(1 - (1.5 / 5) ** 2))])
def test_the_true_axes_of_an_ellipsoid_are_those_of_its_largest_section(offset_mm: float, short_mm: float) -> None:
    # Slices 30 mm apart: one plane only, `offset_mm` above the centre, cuts the ellipsoid of semi-axes 4, 3 and 5 mm.
    planes = grid((3, 41, 41), (30.0, 0.5, 0.5))
    body = Body("ellipsoid", np.array([0.2, -0.1, -offset_mm]), AXES_TURNED_BY_NOTHING, np.array([4.0, 3.0, 5.0]))
    true = true_axes_mm(body, planes)
    assert true is not None
    assert true == pytest.approx((short_mm, short_mm * 4 / 3), abs=1e-3)


def test_the_same_seed_draws_the_same_bodies_and_touching_ones_do_not_overlap() -> None:
    first, second = (draw_bodies("pair", np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first[1].centre, second[1].centre)
    place = draw_grid(first, np.random.default_rng(5))
    index = np.stack(np.meshgrid(*map(np.arange, place.shape), indexing="ij"), axis=-1)
    inside = [body.contains(place.index_to_lps_mm(index)) for body in first]
    assert inside[0].any()
    assert inside[1].any()
    assert not (inside[0] & inside[1]).any()


def test_the_covered_shares_of_a_ball_add_up_to_its_volume() -> None:
    place = Volume(np.zeros((31, 41, 41), np.float32), (0.5, 0.5, 0.5), (-10.0, -10.0, -7.5), np.eye(3)[:, ::-1])
    ball = Body("ellipsoid", np.array([0.1, 0.2, 0.05]), AXES_TURNED_BY_NOTHING, np.array([4.0, 4.0, 4.0]))
    seen = acquire((ball,), place, thick=True)
    assert seen.thick is not None
    for field in (seen.covered, seen.thick, seen.mask):
        assert field.voxels.sum() * place.voxel_volume_mm3 == pytest.approx(4 / 3 * np.pi * 64, rel=0.02)
