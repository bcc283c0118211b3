"""How far two answers to one case agree, before any node is measured: logits and labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.labels import LABEL_NAMES
from runtime.inference.golden import LabelArray, dice_of


@dataclass(frozen=True)
class LogitError:
    """The difference of two arrays of logits, as shares of the wanted ones' size."""

    maximum: float
    """max |got - wanted| / max |wanted|."""

    mean: float
    """mean |got - wanted| / mean |wanted|."""


@dataclass(frozen=True)
class LabelAgreement:
    """Two label maps of one case."""

    differing_share: float
    """Of all voxels."""

    dice: Mapping[str, float]
    """Per structure that either map holds."""

    voxels: Mapping[str, int]
    """Per structure, in the wanted map."""

    def judged(self, fewest_voxels: int) -> dict[str, float]:
        """Return the Dice of the structures large enough that one voxel decides nothing."""
        return {name: dice for name, dice in self.dice.items() if self.voxels[name] >= fewest_voxels}


def compare_logits(got: npt.NDArray[np.floating], wanted: npt.NDArray[np.floating]) -> LogitError:
    """Compare logits of the same shape, in float32 whatever they are kept in; equal zeros have no error."""
    ours, theirs = got.astype(np.float32), wanted.astype(np.float32)
    error, size = np.abs(ours - theirs), np.abs(theirs)
    return LogitError(_share(float(error.max()), float(size.max())), _share(float(error.mean()), float(size.mean())))


def compare_labels(got: LabelArray, wanted: LabelArray) -> LabelAgreement:
    """Compare label maps of the same shape."""
    counts = np.bincount(wanted.ravel(), minlength=len(LABEL_NAMES))
    present = {
        name: label
        for name, label in LABEL_NAMES.items()
        if label and ((got == label).any() or (wanted == label).any())
    }
    return LabelAgreement(
        differing_share=float(np.mean(got != wanted)),
        dice={name: round(dice_of(got, wanted, label), 6) for name, label in present.items()},
        voxels={name: int(counts[label]) for name, label in present.items()},
    )


def _share(error: float, size: float) -> float:
    if error == 0:
        return 0.0
    return error / size if size else float("inf")
