"""Axes of analytic bodies are found to a fraction of a voxel."""

import numpy as np
import pytest

from runtime.core.measurement import measure_axes
from tests.runtime.core.bodies import grid, soft_ellipsoid

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
