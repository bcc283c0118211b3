"""What the probability of single nodes is worth: ROC and precision-recall by side, station and node, calibration."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analytics.accuracy.bootstrap import patient_codes
from analytics.accuracy.calibration import calibration
from analytics.accuracy.columns import BoolArray, FloatArray
from analytics.accuracy.node_pairs import scored_nodes
from analytics.accuracy.precision_recall import PrecisionRecallCurve, precision_recall_curve
from analytics.accuracy.regions import region_scores
from analytics.accuracy.roc import RocCurve, area_under_roc, roc_curve
from analytics.accuracy.units import units_at
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number
from analytics.report.figures.scores import ScoreCurve, draw_calibration, draw_score_curves
from analytics.report.sections.accuracy import calibration_groups
from analytics.report.sections.level_data import LevelData
from analytics.report.wording import numbers_table

_NOTE: Final = (
    "A side or station scores as its most suspicious node, 0 without one. Units of a node are those of the reference "
    "and the found ones that it does not have, which are negative; a reference node that was not found scores 0. The "
    "calibration is that of found nodes."
)


@dataclass(frozen=True)
class _Scored:
    """Units of one level with their scores."""

    name: str
    patients: "pd.Series[str]"
    truth: BoolArray
    score: FloatArray

    @property
    def both_classes(self) -> bool:
        return bool(self.truth.any()) and not bool(self.truth.all())


def scores(model: LevelData) -> tuple[list[Block], list[Number]]:
    """Return areas by patient, curves and the calibration of nodes; nothing where a node has no probability."""
    table = model.nodes.table[model.nodes.table["patient"].isin(model.patients)]
    if table.empty or table["probability"].isna().any():
        return [], []
    nodes = scored_nodes(model.cases)
    levels = [each for each in (*_regions(model, table), _of_nodes(nodes)) if each.both_classes]
    if not levels:
        return [], []
    name, numbers, curves = model.rater, [], []
    for each in levels:
        area = area_under_roc(each.truth, each.score, each.patients)
        label = f"{each.name.capitalize()}, area under the ROC curve"
        numbers.append(Number(f"levels.{name}.{each.name}.auc", label, area))
        curves.append(_curve(each, area))
    title = f"{name}: probability by side, station and node"
    blocks: list[Block] = [draw_score_curves(curves, f"scores-{name}", title)]
    more_blocks, more_numbers = _calibration(name, nodes.dropna(subset=["score"]))
    numbers += more_numbers
    return [*blocks, *more_blocks, numbers_table(f"scores-{name}", title, numbers, _NOTE)], numbers


def _regions(model: LevelData, table: pd.DataFrame) -> list[_Scored]:
    rows = model.rows.assign(score=region_scores(model.rows, table.dropna(subset=["side", "station"])))
    found = []
    for name in ("side", "station"):
        units = units_at(name, rows)
        score = np.zeros(len(units.truth)) if units.score is None else units.score
        found.append(_Scored(name, pd.Series(units.patients), units.truth, score))
    return found


def _of_nodes(nodes: pd.DataFrame) -> _Scored:
    score = nodes["score"].fillna(0.0).to_numpy(dtype=np.float64)
    return _Scored("node", nodes["patient"], nodes["truth"].to_numpy(dtype=np.bool_), score)


def _curve(each: _Scored, area: Estimate) -> ScoreCurve:
    roc: RocCurve = roc_curve(each.truth, each.score)
    precision: PrecisionRecallCurve = precision_recall_curve(each.truth, each.score)
    return ScoreCurve(each.name, roc, precision, area, float(each.truth.mean()))


def _calibration(name: str, nodes: pd.DataFrame) -> tuple[list[Block], list[Number]]:
    truth, chance = nodes["truth"].to_numpy(dtype=np.bool_), nodes["score"].to_numpy(dtype=np.float64)
    if not len(truth) or truth.all() or not truth.any() or len(np.unique(patient_codes(nodes["patient"]))) < 2:
        return [], []
    found = calibration(truth, chance, calibration_groups(len(truth)), patients=nodes["patient"])
    key = f"levels.{name}.node"
    numbers = [
        Number(f"{key}.calibration_slope", "Node, calibration slope", found.slope),
        Number(f"{key}.calibration_intercept", "Node, calibration intercept", found.intercept),
        Number(f"{key}.brier", "Node, Brier score", found.brier),
        Number(f"{key}.scaled_brier", "Node, scaled Brier score", found.scaled_brier),
    ]
    return [draw_calibration(found, f"calibration-nodes-{name}", f"{name}: calibration of nodes")], numbers
