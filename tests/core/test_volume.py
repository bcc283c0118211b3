from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.volume import FloatArray, Reorientation, Volume, canonicalise
from tests.fixtures.drawing import examples

SHAPE, SPACING, ORIGIN = (5, 6, 7), (3.0, 0.5, 0.6), (-20.0, 30.0, 5.0)
AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Direction of a canonical volume: z to the head, y to posterior, x to the left."""


def numbered(direction: FloatArray = AXIAL) -> Volume:
    return Volume(np.arange(np.prod(SHAPE)).reshape(SHAPE), SPACING, ORIGIN, direction)


def rotation(angles_deg: tuple[float, float, float]) -> FloatArray:
    """Return the rotation about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(angles_deg)):
        turn, (first, second) = np.eye(3), [other for other in range(3) if other != axis]
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def rearranged(volume: Volume, permutation: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """Return the same patient stored with other axis order and directions, pixels and geometry together."""
    corner = [volume.shape[axis] - 1 if flip else 0 for axis, flip in enumerate(flips)]
    voxels = volume.voxels[tuple(slice(None, None, -1 if flip else 1) for flip in flips)].transpose(permutation)
    direction = (volume.direction * np.where(flips, -1.0, 1.0))[:, permutation]
    spacing = tuple(volume.spacing_mm[axis] for axis in permutation)
    return Volume(voxels, spacing, tuple(volume.index_to_lps_mm(corner)), direction)  # type: ignore[arg-type]


def test_index_and_position_by_hand() -> None:
    # x = -20 + 2 * 0.6, y = 30 + 4 * 0.5, z = 5 + 1 * 3
    np.testing.assert_allclose(numbered().index_to_lps_mm((1, 4, 2)), (-18.8, 32.0, 8.0))
    np.testing.assert_allclose(numbered().lps_mm_to_index((-18.8, 32.0, 8.0)), (1, 4, 2), atol=1e-12)


@examples(100)
@given(st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(-50, 50)] * 3))
def test_index_and_position_are_inverse(angles: tuple[float, float, float], index: tuple[float, float, float]) -> None:
    volume = numbered(rotation(angles) @ AXIAL)
    np.testing.assert_allclose(volume.lps_mm_to_index(volume.index_to_lps_mm(index)), index, atol=1e-9)


@pytest.mark.parametrize("permutation", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (18.5, -4.0, 7.0)])
def test_every_storage_of_one_patient_becomes_the_same_canonical_volume(
    permutation: tuple[int, ...], flips: tuple[bool, ...], angles: tuple[float, float, float]
) -> None:
    patient = numbered(rotation(angles) @ AXIAL)
    stored = rearranged(patient, permutation, flips)
    canonical, reorientation = canonicalise(stored)
    assert canonical.same_grid(patient, tolerance_mm=1e-9)
    np.testing.assert_array_equal(canonical.voxels, patient.voxels)
    np.testing.assert_array_equal(reorientation.invert(canonical.voxels), stored.voxels)
    np.testing.assert_array_equal(reorientation.apply(stored.voxels), canonical.voxels)


@examples(100)
@given(st.tuples(*[st.floats(-180, 180)] * 3), st.integers(0, np.prod(SHAPE).item() - 1))
def test_canonicalising_moves_no_voxel_in_the_patient(angles: tuple[float, float, float], value: int) -> None:
    volume = numbered(rotation(angles) @ AXIAL)
    canonical, _ = canonicalise(volume)
    before = volume.index_to_lps_mm(np.argwhere(volume.voxels == value)[0])
    after = canonical.index_to_lps_mm(np.argwhere(canonical.voxels == value)[0])
    np.testing.assert_allclose(after, before, atol=1e-9)


@examples(100)
@given(st.tuples(*[st.floats(-180, 180)] * 3))
def test_canonical_axes_run_to_head_posterior_and_left(angles: tuple[float, float, float]) -> None:
    canonical, _ = canonicalise(numbered(rotation(angles) @ AXIAL))
    components = [canonical.direction[lps, axis] for axis, lps in enumerate((2, 1, 0))]
    assert min(components) > -1e-12
    again, reorientation = canonicalise(canonical)
    assert again.same_grid(canonical)
    assert reorientation == Reorientation((0, 1, 2), (False, False, False))


def test_mirroring_the_header_alone_mirrors_the_canonical_voxels() -> None:
    mirrored = Volume(numbered().voxels, SPACING, ORIGIN, AXIAL * [[-1.0], [1.0], [1.0]])
    canonical, reorientation = canonicalise(mirrored)
    np.testing.assert_array_equal(canonical.voxels, numbered().voxels[:, :, ::-1])
    assert reorientation.flipped == (False, False, True)
    np.testing.assert_allclose(canonical.origin_lps_mm, (-20.0 - 6 * 0.6, 30.0, 5.0))


def test_canonical_voxels_are_a_view() -> None:
    volume = numbered(AXIAL[:, [2, 0, 1]])
    assert np.shares_memory(canonicalise(volume)[0].voxels, volume.voxels)


def test_same_grid_notices_shape_place_and_direction() -> None:
    volume = numbered()
    assert volume.same_grid(volume.with_voxels(np.zeros(SHAPE)))
    assert not volume.same_grid(Volume(volume.voxels[1:], SPACING, ORIGIN, AXIAL))
    assert not volume.same_grid(Volume(volume.voxels, SPACING, (-20.0, 30.0, 5.01), AXIAL))
    assert not volume.same_grid(numbered(rotation((0.5, 0, 0)) @ AXIAL))
    assert volume.voxel_volume_mm3 == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("voxels", "spacing", "direction", "message"),
    [
        (np.zeros((3, 4)), SPACING, AXIAL, r"voxels must have 3 axes .* got shape \(3, 4\)"),
        (np.zeros(SHAPE), (3.0, 0.0, 0.5), AXIAL, "spacing_mm must be three positive numbers"),
        (np.zeros(SHAPE), (3.0, np.nan, 0.5), AXIAL, "spacing_mm must be three positive numbers"),
        (np.zeros(SHAPE), SPACING, np.eye(2), r"direction must be 3x3, got shape \(2, 2\)"),
        (np.zeros(SHAPE), SPACING, AXIAL * 1.01, "direction must have orthonormal columns"),
    ],
)
def test_a_volume_that_is_no_grid_is_not_made(
    voxels: FloatArray, spacing: tuple[float, float, float], direction: FloatArray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Volume(voxels, spacing, ORIGIN, direction)


def test_other_voxels_must_have_the_same_shape() -> None:
    with pytest.raises(ValueError, match=r"voxels must have shape \(5, 6, 7\), got \(5, 6, 8\)"):
        numbered().with_voxels(np.zeros((5, 6, 8)))
