"""Against nnU-Net's own functions, which use skimage and scipy."""

import numpy as np
import numpy.typing as npt
import pytest
from nnunetv2.preprocessing.resampling.default_resampling import (
    compute_new_shape,
    determine_do_sep_z_and_axis,
    resample_data_or_seg_to_shape,
)

from runtime.bundle.manifest import Resampling
from runtime.inference.resampling import resample, resample_channel, resampled_shape, separate_axis

CASES = [
    ((19, 64, 60), (3.0, 0.5, 0.5), (3.3, 1.0, 1.0)),
    ((19, 32, 30), (3.0, 1.0, 1.0), (3.0, 0.6, 0.7)),
    ((10, 30, 33), (1.5, 1.0, 1.0), (1.0, 0.8, 1.3)),
    ((5, 40, 30), (1.0, 1.0, 1.0), (4.0, 0.6, 0.6)),
    ((30, 20, 24), (1.0, 4.0, 1.0), (1.0, 3.0, 0.7)),
    ((3, 4, 5), (1.0, 1.0, 1.0), (0.3, 0.3, 0.3)),
    ((1, 14, 15), (5.0, 1.0, 1.0), (5.0, 0.7, 0.7)),
]


def _noise(shape: tuple[int, ...], dtype: type[np.floating]) -> npt.NDArray[np.floating]:
    return np.random.default_rng(1).normal(size=(2, *shape)).astype(dtype)


@pytest.mark.parametrize(("order", "order_z"), [(3, 0), (1, 0), (1, 1), (3, 3)])
@pytest.mark.parametrize(("shape", "current", "new"), CASES)
def test_data_come_out_as_from_nnunet(
    shape: tuple[int, int, int],
    current: tuple[float, float, float],
    new: tuple[float, float, float],
    order: int,
    order_z: int,
) -> None:
    data = _noise(shape, np.float32)
    target = resampled_shape(shape, current, new)
    assert target == tuple(compute_new_shape(shape, current, new))
    wanted = resample_data_or_seg_to_shape(
        data, target, current, new, is_seg=False, order=order, order_z=order_z, force_separate_z=None
    )
    got = resample(data, target, current, new, Resampling(order, order_z, None))
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)


def test_half_precision_logits_come_out_as_from_nnunet() -> None:
    data = _noise((6, 40, 44), np.float16)
    spacing, new, shape = (3.5, 1.0, 1.0), (3.3, 0.6, 0.6), (7, 66, 73)
    wanted = resample_data_or_seg_to_shape(
        data, shape, spacing, new, is_seg=False, order=1, order_z=0, force_separate_z=None
    )
    got = resample(data, shape, spacing, new, Resampling(1, 0, None))
    assert got.dtype == np.float16
    assert np.mean(got != wanted) < 1e-3
    np.testing.assert_allclose(got.astype(float), wanted.astype(float), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("force", [None, True, False])
@pytest.mark.parametrize(
    ("current", "new"),
    [
        ((3.0, 1.0, 1.0), (3.5, 1.0, 1.0)),
        ((3.0, 0.5, 0.5), (1.0, 1.0, 1.0)),
        ((1.0, 1.0, 1.0), (1.0, 4.0, 1.0)),
        ((0.24, 1.25, 1.25), (1.0, 1.0, 1.0)),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        ((2.0, 1.0, 0.5), (1.0, 1.0, 1.0)),
    ],
)
def test_the_separate_axis_is_the_one_nnunet_takes(
    current: tuple[float, float, float], new: tuple[float, float, float], force: bool | None
) -> None:
    separate, axis = determine_do_sep_z_and_axis(force, current, new)
    assert separate_axis(current, new, force) == (int(axis) if separate else None)


def test_the_same_shape_gives_the_same_array() -> None:
    data = _noise((4, 5, 6), np.float32)
    assert resample(data, (4, 5, 6), (3.0, 1.0, 1.0), (3.0, 1.0, 1.0), Resampling(3, 0, None)) is data


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("order", [1, 3])
def test_a_box_is_the_same_part_of_the_whole(axis: int | None, order: int) -> None:
    channel = _noise((6, 20, 22), np.float32)[0]
    how, shape, box = Resampling(order, 0, None), (9, 31, 30), (slice(2, 5), slice(10, 31), slice(0, 7))
    whole = resample_channel(channel, shape, axis, how)
    np.testing.assert_allclose(resample_channel(channel, shape, axis, how, box), whole[box], atol=1e-12)
