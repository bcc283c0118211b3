"""Every 2x2 table of whole numbers whose figures print as they are claimed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.audit.kappa import kappa_of
from analytics.audit.reported import Reported

KEPT: Final = 1000
"""Tables that are kept one by one; beyond them only their number is told."""

_ROOM: Final = 1e-9
"""Room for binary fractions when a share of up to 10^5 cases is turned into a count."""

Bounds = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Table:
    """One 2x2 table; the reference is in the rows, the call in the columns."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def n(self) -> int:
        """All cases."""
        return self.tp + self.fn + self.fp + self.tn

    def margin(self, name: str) -> int:
        """Return `positives`, `negatives`, `called_positive` or `called_negative`."""
        return {
            "positives": self.tp + self.fn,
            "negatives": self.fp + self.tn,
            "called_positive": self.tp + self.fp,
            "called_negative": self.fn + self.tn,
        }[name]

    def figures(self) -> dict[str, float]:
        """Return every figure that a paper may print of the table; not a number where it is not defined."""

        def share(part: float, whole: float) -> float:
            return part / whole if whole else math.nan

        tp, fn, fp, tn = self.tp, self.fn, self.fp, self.tn
        sensitivity, specificity = share(tp, tp + fn), share(tn, fp + tn)
        return {
            "accuracy": share(tp + tn, self.n),
            "sensitivity": sensitivity,
            "specificity": specificity,
            "ppv": share(tp, tp + fp),
            "npv": share(tn, fn + tn),
            "lr_positive": share(sensitivity, 1 - specificity),
            "lr_negative": share(1 - sensitivity, specificity),
            "f1": share(2 * tp, 2 * tp + fp + fn),
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "youden": sensitivity + specificity - 1,
            "kappa": kappa_of([[tp, fn], [fp, tn]]),
        }

    def __str__(self) -> str:
        return f"TP {self.tp}, FN {self.fn}, FP {self.fp}, TN {self.tn}"

    def to_json(self) -> dict[str, int]:
        """Return the cells by name."""
        return {"tp": self.tp, "fn": self.fn, "fp": self.fp, "tn": self.tn}


@dataclass(frozen=True)
class TableSearch:
    """What fits."""

    count: int
    """How many tables fit."""

    tables: tuple[Table, ...]
    """The first `KEPT` of them, by positives."""


def find_tables(n: int, rates: Mapping[str, Reported], counts: Mapping[str, Reported]) -> TableSearch:
    """Return the tables of `n` cases with those rates and those cells and margins.

    A rate whose denominator is zero is not defined and fits no claim of it. Work grows with the number of positives
    times the true positives that the sensitivity leaves open.
    """
    count, kept = 0, list[Table]()
    for positives in _range(counts.get("positives"), 0, n):
        tp = np.arange(*_true_positives(positives, rates, counts), dtype=np.float64)
        if tp.size == 0:
            continue
        low, high = _true_negatives(n, positives, tp, rates, counts)
        fitting = np.maximum(high - low + 1.0, 0.0)
        count += int(fitting.sum())
        for index in np.flatnonzero(fitting):
            if len(kept) >= KEPT:
                break
            for tn in range(int(low[index]), int(high[index]) + 1)[: KEPT - len(kept)]:
                true_positives = int(tp[index])
                kept.append(Table(true_positives, positives - true_positives, n - positives - tn, tn))
    return TableSearch(count, tuple(kept))


def _range(claim: Reported | None, least: int, most: int) -> range:
    if claim is None:
        return range(least, most + 1)
    low = max(least, math.ceil(claim.low - _ROOM))
    high = most if math.isinf(claim.high) else min(most, math.floor(claim.high + _ROOM))
    return range(low, high + 1)


def _true_positives(positives: int, rates: Mapping[str, Reported], counts: Mapping[str, Reported]) -> tuple[int, int]:
    """Return the half-open range of true positives that sensitivity and cells leave open."""
    low, high = 0, positives
    if (sensitivity := rates.get("sensitivity")) is not None:
        if positives == 0:
            return 0, 0
        low = max(low, math.ceil(sensitivity.low * positives - _ROOM))
        high = min(high, math.floor(sensitivity.high * positives + _ROOM))
    for claim, offset, sign in ((counts.get("tp"), 0, 1), (counts.get("fn"), positives, -1)):
        if claim is not None:
            ends = sorted((offset + sign * claim.low, offset + sign * claim.high))
            low, high = max(low, math.ceil(max(ends[0], 0))), min(high, math.floor(min(ends[1], positives)))
    return low, high + 1


def _true_negatives(
    n: int,
    positives: int,
    tp: npt.NDArray[np.float64],
    rates: Mapping[str, Reported],
    counts: Mapping[str, Reported],
) -> Bounds:
    """Return the least and the most true negatives for each number of true positives, whole numbers as floats."""
    negatives, fn = n - positives, positives - tp
    bounds: list[Bounds] = [(np.zeros_like(tp), np.full_like(tp, negatives))]
    if (claim := rates.get("specificity")) is not None:
        least = claim.low * negatives if negatives else math.inf
        bounds.append((np.full_like(tp, least), np.full_like(tp, claim.high * negatives)))
    if (claim := rates.get("accuracy")) is not None:
        bounds.append((claim.low * n - tp, claim.high * n - tp))
    if (claim := rates.get("ppv")) is not None:
        bounds.append(_by_called_positive(negatives, tp, claim))
    if (claim := rates.get("npv")) is not None:
        bounds.append(_by_called_negative(fn, claim))
    exact: tuple[tuple[str, npt.NDArray[np.float64], float], ...] = (
        ("tn", np.zeros_like(tp), 1.0),
        ("negatives", np.full_like(tp, np.nan), 1.0),
        ("fp", np.full_like(tp, negatives), -1.0),
        ("called_positive", negatives + tp, -1.0),
        ("called_negative", -fn, 1.0),
    )
    for name, offset, sign in exact:
        claim = counts.get(name)
        if claim is None:
            continue
        if name == "negatives":
            outside = not claim.includes(negatives)
            bounds.append((np.full_like(tp, math.inf if outside else 0.0), np.full_like(tp, negatives)))
            continue
        ends = (offset + sign * claim.low, offset + sign * claim.high)
        bounds.append((np.minimum(*ends), np.maximum(*ends)))
    low = np.max([bound[0] for bound in bounds], axis=0)
    high = np.min([bound[1] for bound in bounds], axis=0)
    # Where nothing fits the ends are put so that none is counted; infinities must not reach the whole numbers.
    nothing = ~(low <= high + _ROOM)
    return np.where(nothing, 1.0, np.ceil(low - _ROOM)), np.where(nothing, 0.0, np.floor(high + _ROOM))


def _by_called_positive(negatives: int, tp: npt.NDArray[np.float64], ppv: Reported) -> Bounds:
    """Return bounds from TP / called positive; the called positive are at least one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(tp > 0, tp / ppv.low, 0.0 if ppv.low > 0 else math.inf)
        least = np.maximum(np.where(tp > 0, tp / ppv.high, 0.0), 1.0)
    return negatives + tp - most, negatives + tp - least


def _by_called_negative(fn: npt.NDArray[np.float64], npv: Reported) -> Bounds:
    """Return bounds from TN / (TN + FN); the called negative are at least one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(fn > 0, npv.low * fn / (1.0 - npv.low), 0.0)
        most = np.where(fn > 0, npv.high * fn / (1.0 - npv.high), math.inf if npv.high >= 1.0 else 0.0)
    return np.maximum(least, np.where(fn > 0, 0.0, 1.0)), most
