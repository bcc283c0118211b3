"""The folds over all tiles of a prepared case, and the mean of their logits."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.progress import Monitor, Progress
from runtime.bundle.manifest import Tiling
from runtime.inference.backends.protocol import Fold
from runtime.inference.threads import on_threads
from runtime.inference.tiling import (
    Box,
    LogitSum,
    pad_to_patch,
    round_to_half,
    tile_boxes,
    tile_weights,
    weight_sum,
)
from trust.errors import BundleRejected

Logits = npt.NDArray[np.floating]

_LARGEST_HALF: Final = 65504.0
"""Of float16, in which nnU-Net adds."""


@dataclass(frozen=True, eq=False)
class EnsembleLogits:
    """The answer of every fold and their mean on the network's grid, each (class, z, y, x)."""

    folds: tuple[Logits, ...]
    mean: Logits


def infer_folds(
    data: npt.NDArray[np.float32],
    folds: Sequence[Fold],
    tiling: Tiling,
    monitor: Monitor,
    *,
    half: bool,
    threads: int = 1,
) -> EnsembleLogits:
    """Return the logits of all folds for (1, z, y, x) data.

    `half` keeps and adds logits in float16 as nnU-Net's predictor does, else in float32. They are added on `threads`;
    the answer does not depend on how many. The monitor is asked before every tile. Raises `BundleRejected` when a
    fold answers with what is no number.
    """
    padded, inside = pad_to_patch(data, tiling.patch_size)
    z, y, x = padded.shape[1:]
    boxes = tile_boxes((z, y, x), tiling.patch_size, tiling.step_size)
    weights = tile_weights(tiling.patch_size)
    total = weight_sum((z, y, x), boxes, weights, half=half)
    clock = _Clock(monitor, len(folds) * len(boxes))
    # The largest logit whose weighted sum is still a number; nnU-Net's predictor stops at an infinite sum, too.
    limit = (_LARGEST_HALF if half else float(np.finfo(np.float32).max)) / float(total.max())
    answers = []
    for number, fold in enumerate(folds):
        logit_sum: LogitSum | None = None
        with _at_work(fold):
            for box in boxes:
                monitor.check()
                logits = _infer_tile(fold, padded, box)
                _check_numbers(logits, limit, number)
                logit_sum = logit_sum or LogitSum(len(logits), (z, y, x), weights, half=half, threads=threads)
                logit_sum.add(box, logits)
                clock.tick()
        if logit_sum is not None:
            answers.append(logit_sum.mean(total)[(slice(None), *inside)])
    return EnsembleLogits(tuple(answers), _mean(answers, threads))


@contextmanager
def _at_work(fold: Fold) -> Iterator[None]:
    """Let a fold rest when its tiles are done, or the case was stopped between them."""
    try:
        yield
    finally:
        fold.rest()


def _infer_tile(fold: Fold, padded: npt.NDArray[np.float32], box: Box) -> npt.NDArray[np.float32]:
    answer: npt.NDArray[np.float32] = fold.infer(padded[(slice(None), *box)][None])[0]
    return answer


def _check_numbers(logits: npt.NDArray[np.float32], limit: float, number: int) -> None:
    """Raise `BundleRejected` on logits that are not finite: arg-max would call such voxels background, a case negative.

    NaN carries over into minimum and maximum, and compares as false.
    """
    lowest, highest = float(logits.min()), float(logits.max())
    if not (-limit <= lowest and highest <= limit):
        raise BundleRejected(
            f"fold {number} of the bundle answers with values that are no finite numbers ({lowest:g} to {highest:g}); "
            f"allowed: -{limit:g} to {limit:g}"
        )


def _mean(answers: Sequence[Logits], threads: int) -> Logits:
    """Return the mean, rounded after every addition when the answers are float16 (as nnU-Net's predictor does).

    Added in float32: numpy adds float16 a third slower, and their sum in float32 rounds to the same float16.
    """
    first, *others = answers
    mean = np.empty_like(first)
    half = first.dtype == np.float16

    def average_class(index: int) -> None:
        for number, into in enumerate(mean[index]):
            total = first[index, number].astype(np.float32)
            for answer in others:
                total += answer[index, number]
                total = round_to_half(total) if half else total
            into[...] = total / np.float32(len(answers))

    on_threads(threads, average_class, range(len(mean)))
    return mean


class _Clock:
    """Reports done tiles and estimates the rest from the mean time of a tile."""

    def __init__(self, monitor: Monitor, total: int) -> None:
        self._monitor, self._total, self._done = monitor, total, 0
        self._started_s = time.perf_counter()
        monitor.report(Progress("infer", 0, total))

    def tick(self) -> None:
        """Report one more tile as done."""
        self._done += 1
        passed_s = time.perf_counter() - self._started_s
        remaining_s = passed_s / self._done * (self._total - self._done)
        self._monitor.report(Progress("infer", self._done, self._total, remaining_s))
