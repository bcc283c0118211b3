"""Temperature, node threshold and least mean posterior, chosen on cases that the folds did not train on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.case_figures import NODE_THRESHOLDS, CaseFigures
from training.detection import Detection, detection
from training.workspace import write_json

CRITERION: Final = (
    "largest sum of node sensitivity and positive predictive value from 5 mm over all cases; "
    "of equal ones the lowest mean posterior, then the node threshold nearest to 0.5"
)

LOW_MM, HIGH_MM = 5.0, float("inf")
"""Size class that is looked at: smaller nodes change no decision."""

LEAST_MEAN_POSTERIORS: Final = tuple(float(value) for value in np.round(np.arange(0, 0.96, 0.025), 3))


@dataclass(frozen=True)
class OperatingPoint:
    """Which nodes are reported, and how certain posteriors are; the names are those of the runtime's scoring rules."""

    temperature: float
    node_threshold: float
    min_mean_posterior: float


def choose(cases: Sequence[CaseFigures], temperature: float) -> OperatingPoint:
    """Return the operating point that fulfils `CRITERION` on the cases, whose posteriors have this temperature."""
    points = [
        OperatingPoint(temperature, threshold, least)
        for least in LEAST_MEAN_POSTERIORS
        for threshold in sorted(NODE_THRESHOLDS, key=lambda value: abs(value - 0.5))
    ]
    return max(points, key=lambda point: _merit(at_point(cases, point)))


def at_point(cases: Sequence[CaseFigures], point: OperatingPoint) -> Detection:
    """Return what is found from 5 mm at an operating point."""
    return detection(cases, point.node_threshold, point.min_mean_posterior, LOW_MM, HIGH_MM)


def cross_fitted(cases: Sequence[CaseFigures], temperature: float) -> Detection | None:
    """Return what is found from 5 mm when each fold's cases are judged by a point chosen on the other folds' cases.

    Figures at the chosen point are measured on the very cases that chose it; these are not, and are the ones to expect.
    None with one fold only.
    """
    parts = [at_point([case], point) for case, point in cross_fitted_cases(cases, temperature)]
    if not parts:
        return None
    return Detection(*(sum(getattr(part, name) for part in parts) for name in Detection.__dataclass_fields__))


def cross_fitted_cases(cases: Sequence[CaseFigures], temperature: float) -> list[tuple[CaseFigures, OperatingPoint]]:
    """Return each case with the point that the other folds' cases choose; empty with one fold only."""
    folds = sorted({case.fold for case in cases})
    if len(folds) < 2:
        return []
    points = {fold: choose([case for case in cases if case.fold != fold], temperature) for fold in folds}
    return [(case, points[case.fold]) for case in cases]


def write_choice(
    path: Path, point: OperatingPoint, cases: Sequence[CaseFigures], verdict: dict[str, Any] | None = None
) -> None:
    """Write chosen.json for `sidewall-export bundle --chosen`; the verdict says whether it is worth a model."""
    write_json(path, {"rules": asdict(point), "chosen_on": chosen_on(cases), "verdict": verdict})


def chosen_on(cases: Sequence[CaseFigures]) -> dict[str, Any]:
    """Return what the choice rests on."""
    return {
        "criterion": CRITERION,
        "temperature_criterion": "least negative log likelihood around the foreground (Guo et al., ICML 2017)",
        "cases": len(cases),
        "out_of_fold_cases": sum(case.doubt is None for case in cases),
        "folds": sorted({case.fold for case in cases}),
        "true_nodes_from_5_mm": at_point(cases, OperatingPoint(1.0, 0.5, 0.0)).true,
    }


def _merit(result: Detection) -> float:
    return (result.sensitivity or 0.0) + (result.precision or 0.0)
