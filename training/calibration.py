"""How far posteriors can be believed, and the temperature that makes them more so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from core.labels import NODE_LABELS
from training.prediction import FloatArray, LabelArray, temper

BINS: Final = 10
"""Bins of equal width in a reliability diagram."""

TEMPERATURES: Final = (0.2, 5.0)
"""Range that is searched."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Probabilities beside what became of them (Guo et al., ICML 2017)."""

    count: int
    brier: float | None
    """Mean squared difference; None without any."""

    expected_calibration_error: float | None
    """Mean distance of a bin's mean probability from its share of true ones, weighted by its size."""

    bins: tuple[tuple[float, float, int], ...]
    """Mean probability, share that came true and number, of the bins that hold any."""


def reliability(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> Reliability:
    """Return how well probabilities (n,) foretold outcomes (n,) that came true or not."""
    p = np.asarray(probabilities, dtype=np.float64).ravel()
    true = np.asarray(outcomes, dtype=np.float64).ravel()
    if p.size == 0:
        return Reliability(0, None, None, ())
    index = np.minimum((p * BINS).astype(int), BINS - 1)
    bins = tuple(
        (float(p[index == k].mean()), float(true[index == k].mean()), int((index == k).sum())) for k in np.unique(index)
    )
    error = sum(abs(mean - share) * count for mean, share, count in bins) / p.size
    return Reliability(int(p.size), float(((p - true) ** 2).mean()), float(error), bins)


def negative_log_likelihood(samples: Sequence[tuple[FloatArray, LabelArray]], temperature: float) -> float:
    """Return the mean over all voxels of -log softmax(logits / temperature) of the true label.

    `samples` holds log probabilities (class, n) and true labels (n,) per case.
    """
    total, count = 0.0, 0
    for log_probabilities, truth in samples:
        logits = log_probabilities.astype(np.float64) / temperature
        top = logits.max(axis=0)
        total += float((top + np.log(np.exp(logits - top).sum(axis=0)) - logits[truth, np.arange(truth.size)]).sum())
        count += truth.size
    return total / count


def fit_temperature(samples: Sequence[tuple[FloatArray, LabelArray]]) -> float:
    """Return the temperature with the least negative log likelihood, rounded; above 1 the model was too sure."""
    low, high = np.log(TEMPERATURES)
    best = minimize_scalar(
        lambda value: negative_log_likelihood(samples, float(np.exp(value))),
        bounds=(low, high),
        method="bounded",
        # As near as the likelihood's rounding allows; the default, 1e-5, could turn the last figure that is given.
        options={"xatol": 1e-8},
    )
    return round(float(np.exp(best.x)), 3)


def voxel_reliability(samples: Iterable[tuple[FloatArray, LabelArray]], temperature: float) -> Reliability:
    """Return the reliability of the node posterior p(negative) + p(positive) over the sampled voxels."""
    posteriors, outcomes = [], []
    for log_probabilities, truth in samples:
        posteriors.append(temper(log_probabilities, temperature)[list(NODE_LABELS)].sum(axis=0))
        outcomes.append(np.isin(truth, NODE_LABELS))
    return reliability(np.concatenate(posteriors), np.concatenate(outcomes))


def as_json(result: Reliability) -> dict[str, Any]:
    """Return plain values, rounded."""
    return {
        "count": result.count,
        "brier": _rounded(result.brier),
        "expected_calibration_error": _rounded(result.expected_calibration_error),
        "bins": [
            {"mean_probability": round(mean, 4), "share_true": round(share, 4), "count": count}
            for mean, share, count in result.bins
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
