"""What inference hands on to measurement: labels, posteriors and the folds' own opinions near nodes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.volume import Volume


@dataclass(frozen=True, eq=False)
class FoldOpinions:
    """Each fold's own posteriors inside one box around node candidates."""

    box: tuple[slice, slice, slice]
    """Slices (z, y, x) into the segmentation's grid."""

    node_posterior: npt.NDArray[np.float32]
    """(fold, z, y, x): p(negative node) + p(positive node), per fold."""

    positive_share: npt.NDArray[np.float32]
    """(fold, z, y, x): p(positive) / (p(negative) + p(positive)), per fold."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The ensemble's answer on the canonical native grid (z, y, x)."""

    labels: Volume
    """uint8 arg-max label map, values of `core.labels`; equals nnU-Net's own output."""

    node_posterior: Volume
    """float32 p(negative node) + p(positive node) of the averaged folds, 0..1."""

    positive_share: Volume
    """float32 p(positive) / (p(negative) + p(positive)) of the averaged folds, 0..1."""

    fold_opinions: tuple[FoldOpinions, ...]
    """One entry per candidate box (posterior above the bundle's threshold, plus a margin); empty without nodes."""

    fold_count: int
    """How many folds were averaged."""

    opinion_of: Literal["model", "label map"] | None = "model"
    """Whose opinion the positive share is, and a probability only of a model; None for a label map that does not say
    which of its nodes are positive: the share is then 0 and means nothing."""

    notes: tuple[str, ...] = ()
    """What the findings warn of, in words."""
