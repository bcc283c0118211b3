"""Against nnU-Net's own sliding window."""

import numpy as np
import pytest
import torch
from acvl_utils.cropping_and_padding.padding import pad_nd_image
from nnunetv2.inference.sliding_window_prediction import compute_gaussian, compute_steps_for_sliding_window

from runtime.inference.tiling import LogitSum, pad_to_patch, round_to_half, tile_boxes, tile_weights, weight_sum

Shape = tuple[int, int, int]


@pytest.mark.parametrize("patch", [(16, 128, 128), (20, 96, 64), (5, 7, 9)])
def test_the_weights_are_those_of_nnunet(patch: Shape) -> None:
    wanted = compute_gaussian(patch, value_scaling_factor=10, device=torch.device("cpu")).numpy()
    got = tile_weights(patch)
    assert got.dtype == wanted.dtype == np.float16
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("step", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("shape", [(16, 128, 128), (31, 299, 300), (17, 129, 500)])
def test_the_tiles_are_those_of_nnunet(shape: Shape, step: float) -> None:
    patch = (16, 128, 128)
    steps = compute_steps_for_sliding_window(shape, patch, step)
    wanted = [(z, y, x) for z in steps[0] for y in steps[1] for x in steps[2]]
    boxes = tile_boxes(shape, patch, step)
    assert [tuple(part.start for part in box) for box in boxes] == wanted
    assert all(part.stop - part.start == size for box in boxes for part, size in zip(box, patch, strict=True))


@pytest.mark.parametrize("shape", [(3, 34, 55), (20, 100, 10), (30, 30, 30)])
def test_the_padding_is_that_of_nnunet(shape: Shape) -> None:
    data = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    wanted, inside = pad_nd_image(data, (16, 64, 30), "constant", {"constant_values": 0}, True)
    got, box = pad_to_patch(data, (16, 64, 30))
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(got[(slice(None), *box)], data)
    np.testing.assert_array_equal(got[(slice(None), *box)], wanted[inside])


def test_half_precision_sums_round_as_torch_does() -> None:
    rng = np.random.default_rng(0)
    patch, shape = (4, 6, 6), (6, 9, 9)
    weights = tile_weights(patch)
    total = LogitSum(2, shape, weights, half=True)
    logits, count = torch.zeros((2, *shape), dtype=torch.half), torch.zeros(shape, dtype=torch.half)
    boxes = tile_boxes(shape, patch, 0.5)
    for box in boxes:
        tile = rng.normal(size=(2, *patch)).astype(np.float32) * 9
        total.add(box, tile)
        weighted = torch.from_numpy(tile.copy())
        weighted *= torch.from_numpy(weights)
        logits[(slice(None), *box)] += weighted
        count[box] += torch.from_numpy(weights)
    mean = total.mean(weight_sum(shape, boxes, weights, half=True))
    np.testing.assert_array_equal(mean, torch.div(logits, count).numpy())


def test_overlapping_tiles_of_one_value_give_that_value() -> None:
    weights, boxes = tile_weights((4, 6, 6)), tile_boxes((6, 9, 9), (4, 6, 6), 0.5)
    total = LogitSum(1, (6, 9, 9), weights, half=False)
    for box in boxes:
        total.add(box, np.full((1, 4, 6, 6), 3.0, dtype=np.float32))
    np.testing.assert_allclose(total.mean(weight_sum((6, 9, 9), boxes, weights, half=False)), 3.0, rtol=1e-6)


def test_rounding_to_half_is_that_of_the_half_type() -> None:
    every_half = np.arange(0x7BFF, dtype=np.uint16).view(np.float16).astype(np.float32)
    between = (every_half[1:] + every_half[:-1]) / 2
    nudged = np.concatenate([np.nextafter(between, np.float32(0)), between, np.nextafter(between, np.float32(1e9))])
    noise = np.random.default_rng(0).normal(size=10_000).astype(np.float32) * np.float32(1e-4)
    values = np.concatenate([every_half, nudged, noise])
    values = np.concatenate([values, -values])
    np.testing.assert_array_equal(round_to_half(values), values.astype(np.float16).astype(np.float32))
