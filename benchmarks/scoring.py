"""How well findings agree with the truth of phantoms: per case, and summed over cases with intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, mean, median
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.dciodvfy import ClassValidity
from core.findings import Findings
from phantom.case import PhantomCase
from training.node_matching import Matching, match_instances

SIZE_CLASSES: tuple[tuple[str, float, float], ...] = (
    ("< 5 mm", 0.0, 5.0),
    ("5-7 mm", 5.0, 7.0),
    (">= 7 mm", 7.0, math.inf),
    (">= 5 mm", 5.0, math.inf),
    ("all", 0.0, math.inf),
)
"""Name, lower (included) and upper (excluded) short axis in mm."""


@dataclass(frozen=True)
class TrueNodeScore:
    """One true node and what was made of it."""

    id: int
    short_axis_mm: float
    side: str
    station: str
    status: str
    found_as: int | None
    """Number of the finding that matched it, or None when it was missed."""
    iou: float
    """0 when missed."""


@dataclass(frozen=True)
class FoundNodeScore:
    """One reported node and whether it is a true one."""

    id: int
    short_axis_mm: float
    side: str
    station: str | None
    status: str
    probability: float | None
    is_node: int | None
    """Number of the true node it matched, or None for a false alarm."""
    mean_posterior: float | None = None
    """What `min_mean_posterior` cuts."""


@dataclass(frozen=True)
class CaseScore:
    """One case, truth beside findings."""

    seed: int
    truth_positive: bool
    """Whether a true node inside the image is positive."""
    status: str
    refusal: tuple[str, ...]
    """Codes of the refusal, empty when the case was analysed."""
    true_nodes: tuple[TrueNodeScore, ...]
    found_nodes: tuple[FoundNodeScore, ...]
    seconds: float
    """Wall time of the analysis alone."""
    warned: tuple[str, ...] = ()
    """Codes of the quality gates that warned or refused."""
    objects: tuple[ClassValidity, ...] = ()
    """What was said of the DICOM objects written; empty when they were not checked."""
    people: tuple[str, ...] = ()
    """Whose label maps the body was made from, whose bones first; empty for a body of shapes."""


def score_case(
    case: PhantomCase,
    findings: Findings,
    instances: npt.NDArray[Any] | None,
    *,
    seconds: float,
    objects: tuple[ClassValidity, ...] = (),
) -> CaseScore:
    """Compare the findings of a case with its truth.

    `instances` is (z, y, x) on the case's grid, 0 or the id of a node of the findings; None means a refusal, in which
    every true node counts as missed. True nodes without a voxel in the image do not count. Raises `ValueError`
    when the instances hold a node that the findings have not.
    """
    true_map = case.node_ids.voxels
    found_map = np.zeros(true_map.shape, np.uint8) if instances is None else instances
    unknown = set(np.unique(found_map).tolist()) - {0} - {node.id for node in findings.nodes}
    if unknown:
        raise ValueError(f"instances {sorted(unknown)} stand for no node of the findings")
    matching = match_instances(found_map, true_map)
    true_nodes = _true_nodes(case, true_map, matching)
    return CaseScore(
        seed=case.seed,
        truth_positive=any(node.status == "positive" for node in true_nodes),
        status=findings.status,
        refusal=tuple(reason.code for reason in findings.refusal),
        true_nodes=true_nodes,
        found_nodes=_found_nodes(findings, matching),
        seconds=seconds,
        warned=tuple(gate.code for gate in findings.gates if gate.outcome != "pass"),
        objects=objects,
        people=case.people,
    )


def _true_nodes(case: PhantomCase, true_map: npt.NDArray[Any], matching: Matching) -> tuple[TrueNodeScore, ...]:
    """Return the true nodes of which the image shows a voxel."""
    pairs = {pair.true: pair for pair in matching.pairs}
    present = set(np.unique(true_map).tolist())
    return tuple(
        TrueNodeScore(
            node.id,
            node.short_axis_mm,
            node.side,
            node.station,
            node.status,
            pairs[node.id].found if node.id in pairs else None,
            pairs[node.id].iou if node.id in pairs else 0.0,
        )
        for node in case.nodes
        if node.id in present
    )


def _found_nodes(findings: Findings, matching: Matching) -> tuple[FoundNodeScore, ...]:
    pairs = {pair.found: pair for pair in matching.pairs}
    return tuple(
        FoundNodeScore(
            node.id,
            node.short_axis_mm,
            node.side,
            node.station,
            node.status,
            node.probability,
            pairs[node.id].true if node.id in pairs else None,
            node.mean_posterior,
        )
        for node in findings.nodes
    )


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the score interval of a proportion (Wilson, J Am Stat Assoc 1927;22:209-212); None without trials."""
    if trials == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def proportion(successes: int, trials: int) -> dict[str, Any]:
    """Return a proportion with its counts and 95 % Wilson interval; the value is None without trials."""
    interval = wilson_interval(successes, trials)
    return {
        "value": successes / trials if trials else None,
        "successes": successes,
        "trials": trials,
        "interval_95": list(interval) if interval else None,
    }


def summarise(cases: Sequence[CaseScore]) -> dict[str, Any]:
    """Return every figure of the evaluation as JSON-ready values; refused cases count with all their nodes missed."""
    return {
        "cases": len(cases),
        "refused": sum(bool(case.refusal) for case in cases),
        "true_nodes": sum(len(case.true_nodes) for case in cases),
        "found_nodes": sum(len(case.found_nodes) for case in cases),
        "detection": {name: detection(cases, low, high) for name, low, high in SIZE_CLASSES},
        "false_alarms_per_case": _per_case(cases, lambda case: sum(n.is_node is None for n in case.found_nodes)),
        "patients": _patients(cases),
        "matched_nodes": _matched(cases),
        "gates": _gates(cases),
        "seconds_per_case": {"median": median(case.seconds for case in cases), "max": max(c.seconds for c in cases)}
        if cases
        else None,
    }


def detection(cases: Iterable[CaseScore], low: float, high: float) -> dict[str, Any]:
    """Sensitivity by the true short axis; positive predictive value by the reported one."""
    cases = tuple(cases)
    true = [n for case in cases for n in case.true_nodes if low <= n.short_axis_mm < high]
    found = [n for case in cases for n in case.found_nodes if low <= n.short_axis_mm < high]
    return {
        "sensitivity": proportion(sum(n.found_as is not None for n in true), len(true)),
        "positive_predictive_value": proportion(sum(n.is_node is not None for n in found), len(found)),
    }


def _per_case(cases: Sequence[CaseScore], count: Callable[[CaseScore], int]) -> float | None:
    return sum(count(case) for case in cases) / len(cases) if cases else None


def _patients(cases: Sequence[CaseScore]) -> dict[str, Any]:
    """Patient-level accuracy, read strictly (only `positive` is positive) and with `borderline` counted as positive.

    `indeterminate` counts as not positive; a refused case is wrong in both classes.
    """
    statuses = sorted({case.status for case in cases})
    table = {
        truth: {status: sum(c.status == status and c.truth_positive is flag for c in cases) for status in statuses}
        for truth, flag in (("positive", True), ("negative", False))
    }
    return {
        "status_by_truth": table,
        "model": _two_by_two(cases, lambda case: case.status == "positive"),
        "model_with_borderline": _two_by_two(cases, lambda case: case.status in {"positive", "borderline"}),
        "always_positive": _two_by_two(cases, lambda case: True),
    }


def _gates(cases: Sequence[CaseScore]) -> dict[str, list[int]]:
    """Return code of each gate that warned -> seeds of the cases it warned of; most cases first."""
    seeds: dict[str, list[int]] = {}
    for case in cases:
        for code in case.warned:
            seeds.setdefault(code, []).append(case.seed)
    return dict(sorted(seeds.items(), key=lambda item: (-len(item[1]), item[0])))


def _two_by_two(cases: Sequence[CaseScore], call: Callable[[CaseScore], bool]) -> dict[str, Any]:
    positive = [case for case in cases if case.truth_positive]
    negative = [case for case in cases if not case.truth_positive]
    hits, rejections = (
        sum(call(case) for case in positive),
        sum(not call(case) and not case.refusal for case in negative),
    )
    return {
        "sensitivity": proportion(hits, len(positive)),
        "specificity": proportion(rejections, len(negative)),
        "accuracy": proportion(hits + rejections, len(cases)),
    }


def _matched(cases: Sequence[CaseScore]) -> dict[str, Any]:
    """Station, side, status and short axis of the nodes that were found."""
    pairs = []
    for case in cases:
        found = {node.id: node for node in case.found_nodes}
        pairs += [(true, found[true.found_as]) for true in case.true_nodes if true.found_as is not None]
    errors = [found.short_axis_mm - true.short_axis_mm for true, found in pairs]
    return {
        "station": proportion(sum(true.station == found.station for true, found in pairs), len(pairs)),
        "side": proportion(sum(true.side == found.side for true, found in pairs), len(pairs)),
        "status": proportion(sum(true.status == found.status for true, found in pairs), len(pairs)),
        "status_undecided": sum(found.status not in {"positive", "negative"} for _, found in pairs),
        "mean_iou": mean(true.iou for true, _ in pairs) if pairs else None,
        "short_axis_mm": {
            "mean_absolute_error": mean(abs(error) for error in errors),
            "mean_error": mean(errors),
            "largest_absolute_error": max(abs(error) for error in errors),
        }
        if errors
        else None,
    }
