"""The report of an evaluation: evaluation.json for programs, evaluation.html for people, chosen.json for the bundle."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, StrictUndefined

from base.pages import data_uri
from training import plots
from training.calibration import (
    Reliability,
    as_json,
    negative_log_likelihood,
    voxel_reliability,
)
from training.case_figures import CaseFigures
from training.choosing import LOW_MM, OperatingPoint, chosen_on, cross_fitted, write_choice
from training.dataset import read_volume
from training.detection import SIZE_CLASSES, froc, reported
from training.figures import (
    Figure,
    confusions,
    figure,
    matched,
    measures,
    node_reliability,
    positive_reliability,
)
from training.prediction import FloatArray, LabelArray, kept_prediction
from training.workspace import Workspace, write_json

WORST_CASES: Final = 8
"""How many cases the report shows."""

TEMPLATE: Final = Path(__file__).parent / "evaluation.html.j2"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that a report is made from."""

    workspace: Workspace
    cases: Sequence[CaseFigures]
    """In order of fold and name."""

    samples: Sequence[tuple[FloatArray, LabelArray]]
    """Log probabilities (class, n) and true labels (n,) per case."""

    point: OperatingPoint
    """Chosen on these cases."""

    summary: dict[str, Any]
    """What the command prints: Dice and training runs."""

    verdict: dict[str, Any]
    """Whether it is worth a model (`training.usability.judge`)."""


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json, evaluation.html (needs no other file) and chosen.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {name: figure(measure, evaluation.cases) for name, measure in measures(evaluation.point).items()}
    calibration = reliabilities(evaluation)
    content = evaluation_json(evaluation, figures, calibration)
    write_json(folder / "evaluation.json", content)
    write_choice(folder / "chosen.json", evaluation.point, evaluation.cases, evaluation.verdict)
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters["data_uri"] = data_uri
    page.filters["number"] = _number
    html = page.from_string(TEMPLATE.read_text()).render(
        content=content,
        trained_on=_trained_on(evaluation.workspace),
        charts=_charts(evaluation, calibration),
        worst=[_shown(evaluation.workspace, case, evaluation.point) for case in worst_cases(evaluation)],
    )
    part = folder / "evaluation.html.part"
    part.write_text(html)
    part.replace(folder / "evaluation.html")


def reliabilities(evaluation: Evaluation) -> dict[str, Reliability]:
    """Return the calibration of voxels before and after the temperature, of nodes, and of the positive share."""
    return {
        "node posterior of voxels, as trained": voxel_reliability(evaluation.samples, 1.0),
        "node posterior of voxels, at the temperature": voxel_reliability(
            evaluation.samples, evaluation.point.temperature
        ),
        "mean posterior of nodes": node_reliability(evaluation.cases, evaluation.point),
        "positive share of nodes": positive_reliability(evaluation.cases, evaluation.point),
    }


def evaluation_json(
    evaluation: Evaluation, figures: dict[str, Figure], calibration: dict[str, Reliability]
) -> dict[str, Any]:
    """Return the whole evaluation as JSON-ready values."""
    cases, point = evaluation.cases, evaluation.point
    fitted = cross_fitted(cases, point.temperature)
    return {
        "summary": evaluation.summary,
        "verdict": evaluation.verdict,
        "true_nodes": sum(len(case.true_nodes) for case in cases),
        "chosen": asdict(point) | chosen_on(cases),
        "chosen_on_other_folds": None
        if fitted is None
        else asdict(fitted) | {"sensitivity": fitted.sensitivity, "precision": fitted.precision},
        "figures": {name: _figure_json(each) for name, each in figures.items()},
        "froc": {
            name: [asdict(each) for each in froc(cases, point.node_threshold, *sizes)]
            for name, sizes in SIZE_CLASSES.items()
        },
        "confusion": confusions(cases, point),
        "calibration": {
            "negative_log_likelihood": {
                "as trained": round(negative_log_likelihood(evaluation.samples, 1.0), 6),
                "at the temperature": round(negative_log_likelihood(evaluation.samples, point.temperature), 6),
            },
            **{name: as_json(each) for name, each in calibration.items()},
        },
        "cases": [_case_json(case, point) for case in cases],
    }


def worst_cases(evaluation: Evaluation) -> list[CaseFigures]:
    """Return the cases with most missed nodes from 5 mm and false alarms; of equal ones those with the lowest Dice."""

    def badness(case: CaseFigures) -> tuple[int, float]:
        """Return what sorts the worst case first."""
        missed, alarms = _errors(case, evaluation.point)
        dice = case.overlaps["node"].dice
        return -(len(missed) + alarms), 1.0 if dice is None else dice

    return sorted(evaluation.cases, key=badness)[:WORST_CASES]


def _errors(case: CaseFigures, point: OperatingPoint) -> tuple[list[float], int]:
    """Return the short axes (mm) of missed nodes from 5 mm, and the number of false alarms."""
    nodes = reported(case, point.node_threshold, point.min_mean_posterior)
    found = {node.true for node in nodes}
    missed = [
        node.short_axis_mm for i, node in enumerate(case.true_nodes) if i not in found and node.short_axis_mm >= LOW_MM
    ]
    return missed, sum(node.true is None for node in nodes)


def _charts(evaluation: Evaluation, calibration: dict[str, Reliability]) -> dict[str, str]:
    cases, point = evaluation.cases, evaluation.point
    curves = {name: froc(cases, point.node_threshold, *sizes) for name, sizes in SIZE_CLASSES.items()}
    chosen = next((p for p in reversed(curves["all"]) if p.mean_posterior >= point.min_mean_posterior), None)
    pairs = matched(cases, point)
    return {
        "froc": plots.froc_svg(curves, (chosen.false_alarms_per_case, chosen.sensitivity) if chosen else None),
        "reliability": plots.reliability_svg(calibration),
        "bland_altman": plots.bland_altman_svg(
            [true.short_axis_mm for true, _ in pairs], [found.short_axis_mm for _, found in pairs]
        ),
    }


def _shown(workspace: Workspace, case: CaseFigures, point: OperatingPoint) -> dict[str, Any]:
    image = read_volume(workspace.raw / "imagesTr" / f"{case.case}_0000.nii.gz").voxels
    truth = read_volume(workspace.raw / "labelsTr" / f"{case.case}.nii.gz").voxels.astype(np.uint8)
    picture = plots.case_png(image, truth, kept_prediction(workspace, case.fold, case.case).labels)
    return _case_json(case, point) | {"picture": picture}


def _case_json(case: CaseFigures, point: OperatingPoint) -> dict[str, Any]:
    missed, alarms = _errors(case, point)
    return {
        "case": case.case,
        "fold": case.fold,
        "true_nodes": len(case.true_nodes),
        "missed_from_5_mm": [round(mm, 1) for mm in missed],
        "false_alarms": alarms,
        "dice": {name: overlap.dice for name, overlap in case.overlaps.items()},
        "surface_dice": case.surface_dice,
    }


def _figure_json(each: Figure) -> dict[str, Any]:
    return {
        "value": each.value,
        "interval_95": each.interval_95,
        "per_fold": {str(fold): value for fold, value in each.per_fold.items()},
    }


def _trained_on(workspace: Workspace) -> str:
    return str(workspace.read_json(workspace.raw / "dataset.json").get("trained_on", "clinical"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
