"""How positive nodes are found, and how nodes that are found are measured."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from analytics.accuracy.detection import detection_figures, froc_curve, froc_sensitivities, lesion_average_precision
from analytics.accuracy.node_pairs import detected_cases, paired_sizes
from analytics.agreement.icc_intervals import icc_of_these_readers
from analytics.agreement.limits import limits_of_agreement
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number
from analytics.report.figures.froc import draw_froc
from analytics.report.figures.scores import draw_limits
from analytics.report.sections.level_data import LevelData
from analytics.report.wording import numbers_table

_FEWEST_PAIRS: Final = 3
_LABELS: Final = {
    "sensitivity": "positive nodes found and called positive",
    "ppv": "nodes called positive that are",
    "f1": "F1 of nodes",
    "false_per_case": "false positives per case",
}


def detection(known: Sequence[LevelData], models: Sequence[str]) -> tuple[list[Block], list[Number]]:
    """Return how positive reference nodes are found: by the nodes called positive, and by the models' probability."""
    blocks: list[Block] = []
    numbers: list[Number] = []
    for each in known:
        called = detected_cases(each.cases, [np.where(case.found_positive, 1.0, np.nan) for case in each.cases])
        figures = detection_figures(called)
        numbers += [
            Number(
                f"nodes.{each.rater}.{key}",
                f"{each.rater}, {_LABELS[key]}",
                value,
                "percent" if key in ("sensitivity", "ppv") else "number",
            )
            for key, value in figures.items()
        ]
        if each.rater in models:
            more_blocks, more_numbers = _by_probability(each, (figures["false_per_case"], figures["sensitivity"]))
            blocks += more_blocks
            numbers += more_numbers
    note = f"{known[0].matching} A node on a positive one that a nearer node has taken is neither found nor false."
    return [*blocks, numbers_table("nodes", "Detection of positive nodes", numbers, note)], numbers


def _by_probability(each: LevelData, point: tuple[Estimate, Estimate]) -> tuple[list[Block], list[Number]]:
    """Return the FROC curve of the nodes' probability with its numbers; nothing where a node has none."""
    if any(np.isnan(case.scores).any() for case in each.cases) or not any(len(case.scores) for case in each.cases):
        return [], []
    scored = detected_cases(each.cases, [case.scores for case in each.cases])
    rates = froc_sensitivities(scored)
    label, key = f"{each.rater}, sensitivity for nodes", f"nodes.{each.rater}"
    numbers = [
        Number(f"{key}.froc_{rate:g}", f"{label} at {rate:g} false positives per case", value, "percent")
        for rate, value in rates.items()
    ]
    average = lesion_average_precision(scored)
    numbers.append(Number(f"{key}.average_precision", f"{each.rater}, average precision of nodes", average))
    title = f"{each.rater}: FROC curve of positive nodes"
    return [draw_froc(froc_curve(scored), rates, point, f"froc-{each.rater}", title)], numbers


def short_axes(known: Sequence[LevelData], models: Sequence[str]) -> tuple[list[Block], list[Number]]:
    """Return bias, limits of agreement and ICC of the short axes of matched nodes, drawn for models."""
    blocks: list[Block] = []
    numbers: list[Number] = []
    for each in known:
        sizes: pd.DataFrame = paired_sizes(each.cases)
        if len(sizes) < _FEWEST_PAIRS:
            continue
        pair = sizes[["found_mm", "true_mm"]].to_numpy(dtype=np.float64)
        patients = sizes["patient"].to_numpy()
        found = limits_of_agreement(pair[:, 0], pair[:, 1], patients)
        key, label = f"nodes.{each.rater}.short_axis", f"{each.rater} − reference"
        numbers += [
            Number(f"{key}.bias", f"{label}, bias", found.bias, unit="mm"),
            Number(f"{key}.lower_limit", f"{label}, lower limit", found.lower, unit="mm"),
            Number(f"{key}.upper_limit", f"{label}, upper limit", found.upper, unit="mm"),
            Number(
                f"{key}.icc",
                f"{each.rater} and reference, intraclass correlation",
                icc_of_these_readers(pair, "ICC2", patients),
            ),
        ]
        if each.rater in models:
            title = f"Short axis of matched nodes, {each.rater} and reference"
            blocks.append(
                draw_limits(found, (each.rater, "reference"), "mm", f"bland-altman-nodes-{each.rater}", title)
            )
    if not numbers:
        return [], []
    return [*blocks, numbers_table("nodes-short-axis", "Short axis of matched nodes", numbers)], numbers
