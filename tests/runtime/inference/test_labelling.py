"""Plane by plane as all at once, on one thread as on several."""

import threading

import numpy as np
import numpy.typing as npt
import pytest

from core.progress import SilentMonitor
from core.rules import ScoringRules
from core.volume import Volume
from runtime.bundle.manifest import CANONICAL_ORIENTATION, Preprocessing, Resampling, Tiling
from runtime.inference.ensemble import EnsembleLogits, infer_folds
from runtime.inference.labelling import arg_max, label_case, node_posteriors
from runtime.inference.preparation import prepare
from runtime.inference.resampling import resample
from runtime.inference.threads import on_threads

Spacing = tuple[float, float, float]
NETWORK_MM: Spacing = (3.0, 1.0, 1.0)


class _Looking:
    """A fold whose logits are the image, a little differently for each class."""

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return nine classes (n, class, z, y, x)."""
        return np.concatenate([np.roll(tiles, index, axis=3) * (index + 1) for index in range(9)], axis=1)

    def rest(self) -> None:
        """Do nothing."""


def _volume(spacing_mm: Spacing) -> Volume:
    voxels = np.random.default_rng(0).normal(100, 20, size=(7, 31, 29)).astype(np.float32)
    voxels[:, :3] = 0  # which is cropped away
    return Volume(voxels, spacing_mm, (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])


def _how() -> Preprocessing:
    data, logits = Resampling(3, 0, None), Resampling(1, 0, None)
    return Preprocessing(CANONICAL_ORIENTATION, NETWORK_MM, "zscore", use_mask_for_norm=False, data=data, logits=logits)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("spacing_mm", [(3.0, 0.6, 0.7), (2.4, 0.8, 1.3), (1.1, 0.9, 1.2), NETWORK_MM])
def test_the_labels_of_planes_are_those_of_the_whole_case_on_any_number_of_threads(
    spacing_mm: Spacing, *, half: bool
) -> None:
    volume, how = _volume(spacing_mm), _how()
    prepared = prepare(volume, how)
    folds, tiling = [_Looking(), _Looking()], Tiling((4, 16, 16), 0.5)
    one, three = (
        infer_folds(prepared.data, folds, tiling, SilentMonitor(), half=half, threads=threads) for threads in (1, 3)
    )
    np.testing.assert_array_equal(one.mean, three.mean)
    native = resample(one.mean, prepared.cropped_shape, how.spacing_mm, spacing_mm, how.logits).astype(np.float32)
    wanted = np.zeros(volume.shape, dtype=np.uint8)
    wanted[prepared.crop] = arg_max(native)
    for threads in (1, 3):
        got = label_case(volume, prepared, one, how, ScoringRules(), threads)
        np.testing.assert_array_equal(got.labels.voxels, wanted)
        np.testing.assert_array_equal(got.node_posterior.voxels[prepared.crop], node_posteriors(native).node)


def test_the_mean_of_the_folds_rounds_as_float16_does() -> None:
    prepared = prepare(_volume(NETWORK_MM), _how())
    tiling = Tiling((4, 16, 16), 0.5)
    answer = infer_folds(prepared.data, [_Looking()] * 3, tiling, SilentMonitor(), half=True, threads=2)
    wanted = (answer.folds[0] + answer.folds[1] + answer.folds[2]) / np.float16(3)
    assert isinstance(answer, EnsembleLogits)
    assert answer.mean.dtype == np.float16
    np.testing.assert_array_equal(answer.mean, wanted)


def test_threads_answer_in_order_and_one_works_where_it_is_called() -> None:
    assert on_threads(3, lambda number: number * number, range(7)) == [0, 1, 4, 9, 16, 25, 36]
    assert on_threads(1, lambda _: threading.current_thread(), [0]) == [threading.current_thread()]
    assert on_threads(4, lambda number: number, []) == []


def test_what_fails_on_a_thread_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        on_threads(2, lambda number: 1 // number, [1, 0, 2])
