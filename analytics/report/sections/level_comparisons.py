"""The model against each reader on the same sides, stations and nodes, with tests by patient."""

from collections.abc import Sequence

import numpy as np

from analytics.accuracy.bootstrap import Bootstrap, bootstrap_interval
from analytics.accuracy.clustered_pairs import clustered_difference, compare_clustered_predictions
from analytics.accuracy.columns import FloatArray
from analytics.accuracy.node_pairs import MatchedCase, false_positives, reference_nodes
from analytics.accuracy.paired import PairedComparison
from analytics.accuracy.regions import region_rows
from analytics.accuracy.units import LEVELS
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number
from analytics.report.sections.accuracy import LABELS
from analytics.report.sections.level_data import LevelData, placed_positive
from analytics.report.wording import numbers_table

_NOTE = (
    "Model minus reader, of the patients whom the reference and both judged; units of one patient count together. "
    "Of nodes, sensitivity is that of the positive reference nodes, specificity that of the negative ones."
)


def comparisons(model: LevelData, readers: Sequence[LevelData]) -> tuple[list[Block], list[Number]]:
    """Return the differences of model and each reader by side, station and node, each with its test."""
    numbers: list[Number] = []
    for reader in readers:
        judged = set(reader.patients)
        both = [patient for patient in model.patients if patient in judged]
        if not both:
            continue
        compared = _regions(model, reader, both) | _nodes(model, reader, both)
        for (level, figure), found in compared.items():
            key = f"levels.{model.rater}-{reader.rater}.{level}.{figure}"
            label = f"{level.capitalize()}, {LABELS[figure].lower()}, {model.rater} − {reader.rater}"
            numbers.append(Number(key, label, found.difference, "percent"))
            numbers.append(Number(f"{key}.test", f"{label}: test", found.test))
        key = f"levels.{model.rater}-{reader.rater}.false_per_case"
        label = f"False positive nodes per case, {model.rater} − {reader.rater}"
        numbers.append(Number(key, label, _false_difference(model, reader, both)))
    if not numbers:
        return [], []
    title = "Model against readers by side, station and node"
    return [numbers_table("level-comparisons", title, numbers, _NOTE)], numbers


def _regions(model: LevelData, reader: LevelData, patients: list[str]) -> dict[tuple[str, str], PairedComparison]:
    """Return the comparisons of sides and stations that reference, model and reader all assessed."""
    left_out = model.left_out | reader.left_out
    placed = [placed_positive(nodes) for nodes in (model.reference, model.nodes, reader.nodes)]
    rows = region_rows(patients, model.stations, placed, left_out, ("truth", "first", "second"))
    found: dict[tuple[str, str], PairedComparison] = {}
    for level in ("side", "station"):
        units = rows.groupby(list(LEVELS[level]), sort=False)[["truth", "first", "second"]].any().reset_index()
        compared = compare_clustered_predictions(units["truth"], units["first"], units["second"], units["patient"])
        found |= {(level, figure): comparison for figure, comparison in compared.items()}
    return found


def _nodes(model: LevelData, reader: LevelData, patients: list[str]) -> dict[tuple[str, str], PairedComparison]:
    """Return the comparisons of what both call the reference's nodes."""
    first, second = (reference_nodes(_cases(each, patients)) for each in (model, reader))
    truth = first["truth"].to_numpy(dtype=np.bool_)
    right = [(nodes["called"] == nodes["truth"]).to_numpy(dtype=np.bool_) for nodes in (first, second)]
    ids = first["patient"].to_numpy()
    return {
        ("node", name): clustered_difference(right[0][inside], right[1][inside], ids[inside])
        for name, inside in (("sensitivity", truth), ("specificity", ~truth))
    }


def _cases(each: LevelData, patients: list[str]) -> list[MatchedCase]:
    of_patient = dict(zip(each.patients, each.cases, strict=True))
    return [of_patient[patient] for patient in patients]


def _false_difference(model: LevelData, reader: LevelData, patients: list[str]) -> Estimate:
    """Return the difference of false positives per case, by resampling patients."""
    plan = Bootstrap()
    counts = [false_positives(_cases(each, patients)) for each in (model, reader)]
    sums = np.stack([counts[0] - counts[1], np.ones(len(patients))], axis=1)
    bounds = bootstrap_interval(_mean, sums, plan)
    method = f"difference of false positives per case, {plan.method}"
    return Estimate(float(sums[:, 0].mean()), bounds.low, bounds.high, method, len(patients), note=bounds.note)


def _mean(sums: FloatArray) -> FloatArray:
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)
