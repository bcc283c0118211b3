"""The figures of an evaluation: pooled with intervals, and per fold."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from core.labels import STATION_LABELS
from training.calibration import Reliability, reliability
from training.case_figures import STRUCTURES, TOLERANCES_MM, CaseFigures, FoundNode, TrueNode
from training.choosing import OperatingPoint
from training.detection import FALSE_ALARMS_PER_CASE, SIZE_CLASSES, detection, froc, reported, sensitivity_at

RESAMPLES: Final = 1000
"""Bootstrap samples; whole cases are drawn, for the nodes of one patient resemble each other."""

Cases = Sequence[CaseFigures]
Measure = Callable[[Cases], float | None]
Pair = tuple[TrueNode, FoundNode]


@dataclass(frozen=True)
class Figure:
    """One number about all cases."""

    value: float | None
    interval_95: tuple[float, float] | None
    """Percentiles of the bootstrap by case; None where too few samples have a value."""

    per_fold: dict[int, float | None]


def measures(point: OperatingPoint) -> dict[str, Measure]:
    """Return every named figure as a function of cases, at an operating point; lengths in mm, the rest shares."""
    named: dict[str, Measure] = {f"Dice {structure}": partial(_dice, structure) for structure in STRUCTURES}
    for structure in STRUCTURES:
        for index, mm in enumerate(TOLERANCES_MM):
            named[f"surface Dice {structure} at {mm:g} mm"] = partial(_surface_dice, structure, index)
    for name, sizes_mm in SIZE_CLASSES.items():
        named[f"node sensitivity {name}"] = partial(_sensitivity, point, sizes_mm)
        named[f"node precision {name}"] = partial(_precision, point, sizes_mm)
        for alarms in FALSE_ALARMS_PER_CASE:
            at = f"node sensitivity {name} at {alarms:g} false alarms per case"
            named[at] = partial(_froc_sensitivity, point, sizes_mm, alarms)
    return named | {
        "false alarms per case": partial(_false_alarms, point),
        "station right": partial(_agreement, point, lambda true, found: true.station == found.station),
        "side right": partial(_agreement, point, lambda true, found: true.side == found.side),
        "positive or negative right": partial(_agreement, point, _same_status),
        "short axis bias, mm": partial(_bias_mm, point),
        "short axis mean absolute error, mm": partial(_absolute_error_mm, point),
        "short axis lower limit of agreement, mm": partial(_limit_mm, point, -1.96),
        "short axis upper limit of agreement, mm": partial(_limit_mm, point, 1.96),
    }


def figure(measure: Measure, cases: Cases) -> Figure:
    """Return a measure of all cases with its bootstrap interval, and of each fold's."""
    random = np.random.default_rng(12345)
    drawn = (measure([cases[i] for i in random.integers(0, len(cases), len(cases))]) for _ in range(RESAMPLES))
    values = [value for value in drawn if value is not None]
    interval = None
    if len(values) >= RESAMPLES // 2:
        low, high = np.percentile(values, [2.5, 97.5])
        interval = (float(low), float(high))
    folds = sorted({case.fold for case in cases})
    per_fold = {fold: measure([case for case in cases if case.fold == fold]) for fold in folds}
    return Figure(measure(cases), interval, per_fold)


def matched(cases: Cases, point: OperatingPoint) -> list[Pair]:
    """Return the true nodes that are reported, each with its finding."""
    return [
        (case.true_nodes[node.true], node)
        for case in cases
        for node in reported(case, point.node_threshold, point.min_mean_posterior)
        if node.true is not None
    ]


def errors_mm(pairs: Sequence[Pair]) -> list[float]:
    """Return reported less true short axis."""
    return [found.short_axis_mm - true.short_axis_mm for true, found in pairs]


def confusion(pairs: Sequence[Pair], field: str, values: Sequence[str | None]) -> dict[str, dict[str, int]]:
    """Return true value -> reported value -> number of nodes, for `station` or `side`."""
    return {
        str(true): {
            str(found): sum(getattr(t, field) == true and getattr(f, field) == found for t, f in pairs)
            for found in values
        }
        for true in values
    }


def confusions(cases: Cases, point: OperatingPoint) -> dict[str, Any]:
    """Return the confusion of stations and of sides over the reported true nodes."""
    pairs = matched(cases, point)
    return {
        "station": confusion(pairs, "station", [*STATION_LABELS.values(), None]),
        "side": confusion(pairs, "side", ["left", "right", "unknown"]),
    }


def node_reliability(cases: Cases, point: OperatingPoint) -> Reliability:
    """Return how well a node's mean posterior foretells that it is one, over all nodes at the node threshold."""
    nodes = [node for case in cases for node in case.found_nodes[point.node_threshold]]
    return reliability([node.mean_posterior for node in nodes], [node.true is not None for node in nodes])


def positive_reliability(cases: Cases, point: OperatingPoint) -> Reliability:
    """Return how well a node's positive share foretells that it is positive, over the reported true nodes."""
    pairs = matched(cases, point)
    return reliability([found.positive_share for _, found in pairs], [true.positive for true, _ in pairs])


def _dice(structure: str, cases: Cases) -> float | None:
    return _mean(case.overlaps[structure].dice for case in cases)


def _surface_dice(structure: str, index: int, cases: Cases) -> float | None:
    return _mean(case.surface_dice[structure][index] for case in cases)


def _sensitivity(point: OperatingPoint, sizes_mm: tuple[float, float], cases: Cases) -> float | None:
    return detection(cases, point.node_threshold, point.min_mean_posterior, *sizes_mm).sensitivity


def _precision(point: OperatingPoint, sizes_mm: tuple[float, float], cases: Cases) -> float | None:
    return detection(cases, point.node_threshold, point.min_mean_posterior, *sizes_mm).precision


def _froc_sensitivity(
    point: OperatingPoint, sizes_mm: tuple[float, float], alarms: float, cases: Cases
) -> float | None:
    points = froc(cases, point.node_threshold, *sizes_mm)
    return sensitivity_at(points, alarms) if points else None


def _false_alarms(point: OperatingPoint, cases: Cases) -> float | None:
    nodes = (reported(case, point.node_threshold, point.min_mean_posterior) for case in cases)
    return _mean(sum(node.true is None for node in each) for each in nodes)


def _agreement(point: OperatingPoint, same: Callable[[TrueNode, FoundNode], bool], cases: Cases) -> float | None:
    return _mean(same(true, found) for true, found in matched(cases, point))


def _same_status(true: TrueNode, found: FoundNode) -> bool:
    return true.positive == (found.positive_share >= 0.5)


def _bias_mm(point: OperatingPoint, cases: Cases) -> float | None:
    return _mean(errors_mm(matched(cases, point)))


def _absolute_error_mm(point: OperatingPoint, cases: Cases) -> float | None:
    return _mean(abs(error) for error in errors_mm(matched(cases, point)))


def _limit_mm(point: OperatingPoint, deviations: float, cases: Cases) -> float | None:
    """Return bias plus so many standard deviations (Bland and Altman, Lancet 1986;327:307); None below two nodes."""
    errors = errors_mm(matched(cases, point))
    return float(np.mean(errors) + deviations * np.std(errors, ddof=1)) if len(errors) > 1 else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
