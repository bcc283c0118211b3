"""Axes of analytic bodies are found to a fraction of a voxel."""

import numpy as np
import pytest

from core.measuring.contours import Slice
from core.measuring.masks import soften_mask
from core.measuring.measurement import Axes, Axes3d, measure_axes, measure_axes_3d
from core.volume import Volume
from tests.core.bodies import grid, positions_lps_mm, soft_ellipsoid
from tests.fixtures.volumes import flip

SPACINGS = [(3.0, 0.5, 0.5), (3.6, 0.625, 0.625), (4.0, 0.8, 0.8), (3.3, 0.5, 0.7)]


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("turn_deg", [0.0, 30.0, 77.0])
@pytest.mark.parametrize("semi_axes_mm", [(1.6, 2.4, 6.0), (2.5, 4.0, 7.0), (3.5, 5.5, 8.0), (7.0, 7.5, 9.0)])
def test_axes_of_a_soft_ellipsoid_are_right_to_0_3_mm(
    spacing_mm: tuple[float, float, float], turn_deg: float, semi_axes_mm: tuple[float, float, float]
) -> None:
    volume = grid((5, 49, 43), spacing_mm)
    off_grid = (0.31, -0.17, 0.0)
    axes = measure_axes(volume.with_voxels(soft_ellipsoid(volume, off_grid, semi_axes_mm, turn_deg)))
    assert axes is not None
    assert axes.slice_index == 2
    assert axes.short_mm == pytest.approx(2 * semi_axes_mm[0], abs=0.3)
    assert axes.long_mm == pytest.approx(2 * semi_axes_mm[1], abs=0.3)


def test_the_endpoints_lie_as_far_apart_as_the_axes_are_long_and_at_right_angles() -> None:
    tilt = np.radians(20)
    direction = np.array([[0, 0, 1], [-np.sin(tilt), np.cos(tilt), 0], [np.cos(tilt), np.sin(tilt), 0]])
    volume = grid((5, 49, 49), (3.0, 0.5, 0.5), direction)
    axes = measure_axes(volume.with_voxels(soft_ellipsoid(volume, (1.0, 2.0, 0.0), (3.0, 5.0, 8.0), 25.0)))
    assert axes is not None
    short, long = (np.subtract(*ends) for ends in (axes.short_endpoints_lps_mm, axes.long_endpoints_lps_mm))
    assert np.linalg.norm(short) == pytest.approx(axes.short_mm, abs=1e-9)
    assert np.linalg.norm(long) == pytest.approx(axes.long_mm, abs=1e-9)
    assert short @ long == pytest.approx(0, abs=1e-9)
    slice_normal = direction[:, 0]
    assert [short @ slice_normal, long @ slice_normal] == pytest.approx([0, 0], abs=1e-9)
    middle = np.mean(axes.short_endpoints_lps_mm, axis=0)
    assert np.linalg.norm(middle - [1.0, 2.0, 0.0]) < 1.5


def test_the_slice_with_the_largest_short_axis_counts_even_when_another_is_longer() -> None:
    volume = grid((3, 61, 61), (4.0, 0.5, 0.5))
    thin_and_long = soft_ellipsoid(volume, (0, 0, -4.0), (2.0, 12.0, 1.9))
    round_one = soft_ellipsoid(volume, (0, 0, 4.0), (4.0, 4.5, 1.9))
    axes = measure_axes(volume.with_voxels(np.maximum(thin_and_long, round_one)), level=0.2)
    assert axes is not None
    assert axes.slice_index == 2
    assert axes.long_mm < 11


def test_a_square_measured_by_hand() -> None:
    volume = grid((1, 9, 9), (3.0, 1.0, 1.0))
    voxels = volume.voxels.copy()
    voxels[0, 3:6, 3:6] = 1.0
    axes = measure_axes(volume.with_voxels(voxels))
    assert axes is not None
    # The contour runs half a voxel outside the 3 x 3 voxels, its corners cut: an octagon through (2.5, 3) and (3, 2.5).
    assert axes.long_mm == pytest.approx(np.hypot(3, 2), abs=1e-4)


def test_nothing_at_the_level_gives_no_axes() -> None:
    volume = grid((3, 9, 9), (3.0, 0.5, 0.5))
    assert measure_axes(volume.with_voxels(np.full(volume.shape, 0.4, dtype=np.float32))) is None


def test_a_single_voxel_is_as_wide_as_a_voxel() -> None:
    volume = grid((1, 5, 5), (3.0, 0.8, 0.8))
    voxels = volume.voxels.copy()
    voxels[0, 2, 2] = 1.0
    axes = measure_axes(volume.with_voxels(voxels))
    assert axes is not None
    assert [axes.short_mm, axes.long_mm] == pytest.approx([0.8, 0.8], abs=1e-5)


@pytest.mark.parametrize("flipped", [axes for axes in np.ndindex(2, 2, 2) if any(axes)])
@pytest.mark.parametrize("soften", [False, True])
def test_flips_and_the_order_of_slices_move_no_axis_and_no_endpoint(flipped: tuple[int, ...], soften: bool) -> None:
    plain = _measured(_lopsided(), soften)
    other = _measured(flip(_lopsided(), flipped), soften)
    _assert_same(other, plain)
    assert _endpoints(other[0]) == pytest.approx(_endpoints(plain[0]), abs=1e-3)


def test_symmetric_bodies_with_many_longest_diameters_measure_alike_under_flips() -> None:
    volume = grid((4, 31, 31), (3.0, 0.5, 0.5))
    for radius_mm in (2.2, 3.7, 5.1):
        mask = volume.with_voxels(soft_ellipsoid(volume, (0, 0, 0), (radius_mm, radius_mm, 6.0)) >= 0.5)
        plain = _measured(mask, soften=True)
        for flipped in ((True, False, False), (False, True, False), (False, True, True)):
            _assert_same(_measured(flip(mask, flipped), soften=True), plain)


@pytest.mark.parametrize("soften", [False, True])
def test_turning_and_moving_the_patient_frame_changes_no_axis_and_takes_the_endpoints_along(soften: bool) -> None:
    volume = _lopsided()
    turned, _ = np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))
    shift = np.array([31.0, -7.5, 112.25])
    x, y, z = turned @ volume.origin_lps_mm + shift
    plain = _measured(volume, soften)
    other = _measured(Volume(volume.voxels, volume.spacing_mm, (x, y, z), turned @ volume.direction), soften)
    _assert_same(other, plain)
    moved = np.array(_endpoints(plain[0])).reshape(-1, 3) @ turned.T + shift
    there = np.array(_endpoints(other[0])).reshape(-1, 3)
    assert [np.abs(moved - point).sum(axis=1).min() for point in there] == pytest.approx([0.0] * 4, abs=1e-3)


def test_the_axes_in_space_of_a_tilted_ellipsoid_are_its_largest_and_smallest_diameter() -> None:
    tilt = np.radians(35)
    direction = np.array([[0, 0, 1], [-np.sin(tilt), np.cos(tilt), 0], [np.cos(tilt), np.sin(tilt), 0]])
    volume = grid((31, 49, 49), (0.6, 0.5, 0.5), direction)
    field = volume.with_voxels(soft_ellipsoid(volume, (0.3, -0.2, 0.1), (3.0, 4.0, 7.0), 40.0))
    axes, axes_3d = measure_axes(field), measure_axes_3d(field)
    assert axes is not None
    assert axes_3d is not None
    assert (axes_3d.short_mm, axes_3d.long_mm) == pytest.approx((6.0, 14.0), abs=0.25)
    assert axes_3d.long_mm > axes.long_mm + 2


def test_a_thin_bar_across_the_slices_is_as_long_as_its_slices_and_half_a_slice_at_both_ends() -> None:
    volume = grid((9, 9, 9), (2.0, 1.0, 1.0))
    voxels = volume.voxels.copy()
    voxels[2:7, 3:6, 3:6] = 1.0
    axes = measure_axes_3d(volume.with_voxels(voxels))
    assert axes is not None
    # Slices at 0, +-2 and +-4 mm, and a dome of 1 mm over the middle of both ends.
    assert axes.long_mm == pytest.approx(10.0, abs=1e-4)
    assert measure_axes_3d(volume) is None


@pytest.mark.parametrize("diameter_mm", [4.0, 6.0, 9.0, 15.0])
@pytest.mark.parametrize("pixel_mm", [0.4, 0.6, 0.8])
def test_a_softened_mask_has_lost_most_of_the_bias_of_the_bare_one(diameter_mm: float, pixel_mm: float) -> None:
    bare: list[float] = []
    softened: list[float] = []
    rng = np.random.default_rng(2)
    for _ in range(12):
        volume = grid((1, 51, 51), (3.0, pixel_mm, pixel_mm))
        x, y, _ = np.moveaxis(positions_lps_mm(volume), -1, 0)
        dx, dy = rng.uniform(-0.5, 0.5, 2) * pixel_mm
        disc = volume.with_voxels((np.hypot(x - dx, y - dy) < diameter_mm / 2).astype(np.float32))
        for field, found in ((disc, bare), (soften_mask(disc), softened)):
            axes = measure_axes(field)
            assert axes is not None
            found.append(axes.short_mm - diameter_mm)
    assert np.mean(bare) > 0.15
    assert abs(np.mean(softened)) < 0.2
    assert abs(np.mean(softened)) < 0.6 * np.mean(bare)
    assert np.abs(softened).max() < 0.5


def test_a_softened_mask_keeps_the_area_of_each_slice() -> None:
    volume = grid((3, 41, 41), (3.0, 0.5, 0.7))
    mask = volume.with_voxels(soft_ellipsoid(volume, (0.1, 0.2, 0), (4, 6, 5), 20.0) >= 0.5)
    field = soften_mask(mask)
    for soft, hard in zip(field.voxels, mask.voxels, strict=True):
        area_mm2 = Slice(soft, mask.spacing_mm[1:]).area_mm2(0.5) if hard.any() else 0.0
        assert area_mm2 == pytest.approx(hard.sum() * 0.35, rel=0.02)


def test_an_empty_mask_stays_empty_and_one_voxel_becomes_a_diamond_of_its_area() -> None:
    volume = grid((2, 9, 9), (3.0, 0.8, 0.8))
    assert not soften_mask(volume).voxels.any()
    voxels = volume.voxels.copy()
    voxels[1, 4, 4] = 7
    axes = measure_axes(soften_mask(volume.with_voxels(voxels)))
    assert axes is not None
    assert axes.slice_index == 1
    assert axes.short_mm == pytest.approx(np.sqrt(2 * 0.8**2), abs=1e-3)


def _lopsided() -> Volume:
    """Return a body without any symmetry, cut by the edge of the image."""
    volume = grid((4, 41, 37), (3.3, 0.5, 0.6))
    first = soft_ellipsoid(volume, (1.2, -2.3, 0.7), (3.0, 5.0, 6.0), 25.0)
    second = soft_ellipsoid(volume, (-4.1, 3.2, 2.6), (4.1, 2.4, 4.0), 70.0)
    return volume.with_voxels(np.maximum(first, second))


def _measured(volume: Volume, soften: bool) -> tuple[Axes, Axes3d]:
    field = soften_mask(volume.with_voxels(volume.voxels >= 0.5)) if soften else volume
    axes, axes_3d = measure_axes(field), measure_axes_3d(field)
    assert axes is not None
    assert axes_3d is not None
    return axes, axes_3d


def _assert_same(measured: tuple[Axes, Axes3d], expected: tuple[Axes, Axes3d]) -> None:
    (axes, axes_3d), (axes_before, axes_3d_before) = measured, expected
    assert (axes.short_mm, axes.long_mm) == pytest.approx((axes_before.short_mm, axes_before.long_mm), abs=1e-3)
    in_space = (axes_3d.short_mm, axes_3d.long_mm)
    assert in_space == pytest.approx((axes_3d_before.short_mm, axes_3d_before.long_mm), abs=1e-3)


def _endpoints(axes: Axes) -> list[float]:
    """Return the coordinates of all endpoints, whichever end of an axis comes first."""
    ends = [*sorted(axes.short_endpoints_lps_mm), *sorted(axes.long_endpoints_lps_mm)]
    return [coordinate for point in ends for coordinate in point]
