"""Accuracy by side, station and node, and the detection of positive nodes."""

import numpy as np
import pandas as pd

from analytics.accuracy.detection import detection_figures, froc_curve, froc_sensitivities
from analytics.accuracy.node_pairs import (
    MatchedCase,
    detected_cases,
    matched_cases,
    node_units,
    paired_sizes,
    region_rows,
)
from analytics.accuracy.units import figures_of_units, units_at
from analytics.agreement.icc_intervals import icc_of_these_readers
from analytics.agreement.limits import limits_of_agreement
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number, Section, Text
from analytics.report.figures.froc import draw_froc
from analytics.report.figures.scores import draw_limits
from analytics.report.figures.shares import draw_shares
from analytics.report.frame import truth_and_call
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData
from analytics.study.rater_nodes import CENTRE

SHOWN = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
_NAMES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
    "accuracy": "accuracy",
}
_FEWEST_PAIRS = 3


def levels_section(data: StudyData) -> Section | None:
    """Return what each rater with nodes is worth by side, station and node; why not where the reference has none."""
    references = data.study.raters_of("reference")
    tested = [rater.name for rater in data.study.raters if rater.role != "reference"]
    if not references or not tested:
        return None
    title, reference = "Accuracy by side, station and node", references[0].name
    named = [name for name in tested if name in data.nodes]
    if reference not in data.nodes or not named:
        who = "the reference" if reference not in data.nodes else "no model or reader"
        words = "has no table of nodes" if reference not in data.nodes else "names single nodes"
        return Section("levels", title, (Text(f"Not computed: {who} {words} (`nodes` in the study file)."),))
    blocks: list[Block] = []
    numbers: list[Number] = []
    for name in named:
        pair = truth_and_call(data, reference, name)
        if pair.empty:
            blocks.append(Text(f"{name}: no patient is judged by both {name} and the reference."))
            continue
        cases, how = _cases(data, reference, name, list(pair.index))
        for made in (_levels(data, reference, name, list(pair.index), cases, how), _detection(name, cases, how)):
            blocks += made[0]
            numbers += made[1]
        sized = _sizes(name, cases)
        blocks += sized[0]
        numbers += sized[1]
    return Section("levels", title, tuple(blocks), tuple(numbers))


def _cases(data: StudyData, reference: str, name: str, patients: list[str]) -> tuple[list[MatchedCase], str]:
    """Return the matched nodes of each patient and, in words, what makes two nodes one."""
    true, found = data.nodes[reference].table, data.nodes[name].table
    limit = data.study.analysis.match_mm
    by_centre = all(bool(table[list(CENTRE)].notna().any(axis=None)) for table in (true, found))
    how = (
        f"Two nodes are one where their centres lie at most {limit:g} mm apart, the nearest pair first."
        if by_centre
        else "Two nodes are one where side and station are the same, those of the most similar short axis first."
    )
    return matched_cases(patients, true, found, limit, by_centre), how


def _levels(
    data: StudyData, reference: str, name: str, patients: list[str], cases: list[MatchedCase], how: str
) -> tuple[list[Block], list[Number]]:
    stations = list(dict.fromkeys(station for _, station in data.study.regions))
    raters = [data.nodes[each] for each in (reference, name)]
    positive = [rater.table[rater.table["status"] == "positive"] for rater in raters]
    unplaced = sum(int(nodes[["side", "station"]].isna().any(axis=1).sum()) for nodes in positive)
    left_out = raters[0].not_assessed | raters[1].not_assessed
    rows = region_rows(patients, stations, [nodes.dropna(subset=["side", "station"]) for nodes in positive], left_out)
    units = {"Side": units_at("side", rows), "Station": units_at("station", rows)}
    units |= {station: units_at("station", rows[rows["station"] == station]) for station in stations}
    units["Node"] = node_units(cases)
    found = {label: figures_of_units(each) for label, each in units.items()}
    numbers = [
        Number(f"levels.{name}.{label.lower()}.{figure}", f"{label}, {_NAMES[figure]}", figures[figure], "percent")
        for label, figures in found.items()
        for figure in SHOWN
    ]
    note = (
        "A side or station is positive where any node in it is, and negative where none is. Intervals by resampling "
        f"patients. {how} A reference node that is not found counts as called negative; a positive node that the "
        "reference does not have counts as a false positive."
    )
    if left_out:
        note += f" {len(left_out):,} stations that were not assessed are left out."
    if unplaced:
        note += f" {unplaced:,} positive nodes without side or station count for the nodes alone."
    shown: list[tuple[str, tuple[Estimate | None, ...]]] = [
        (label if label in ("Side", "Station", "Node") else f"  {label}", (each["sensitivity"], each["specificity"]))
        for label, each in found.items()
    ]
    title = f"{name} by side, station and node"
    figure = draw_shares(shown, ("Sensitivity", "Specificity"), f"levels-{name}", title)
    return [figure, numbers_table(f"levels-{name}", title, numbers, note)], numbers


def _detection(name: str, cases: list[MatchedCase], how: str) -> tuple[list[Block], list[Number]]:
    """Return how positive reference nodes are found: by the nodes called positive, and by their probability."""
    called = detected_cases(cases, [np.where(case.found_positive, 1.0, np.nan) for case in cases])
    figures = detection_figures(called)
    labels = {
        "sensitivity": "Positive nodes found and called positive",
        "ppv": "Nodes called positive that are",
        "f1": "F1 of nodes",
        "false_per_case": "False positives per case",
    }
    numbers = [
        Number(f"nodes.{name}.{key}", labels[key], value, "percent" if key in ("sensitivity", "ppv") else "number")
        for key, value in figures.items()
    ]
    blocks: list[Block] = []
    if all(not np.isnan(case.scores).any() for case in cases) and any(len(case.scores) for case in cases):
        scored = detected_cases(cases, [case.scores for case in cases])
        rates = froc_sensitivities(scored)
        numbers += [
            Number(f"nodes.{name}.froc_{rate:g}", f"Sensitivity at {rate:g} false positives per case", value, "percent")
            for rate, value in rates.items()
        ]
        point = (figures["false_per_case"], figures["sensitivity"])
        title = f"{name}: FROC curve of positive nodes"
        blocks.append(draw_froc(froc_curve(scored), rates, point, f"froc-{name}", title))
    title = f"{name}: detection of positive nodes"
    note = f"{how} A node on a positive one that a nearer node has taken is neither found nor false."
    return [*blocks, numbers_table(f"nodes-{name}", title, numbers, note)], numbers


def _sizes(name: str, cases: list[MatchedCase]) -> tuple[list[Block], list[Number]]:
    """Return bias, limits of agreement and ICC of the short axes of matched nodes."""
    sizes: pd.DataFrame = paired_sizes(cases)
    if len(sizes) < _FEWEST_PAIRS:
        return [], []
    pair = sizes[["found_mm", "true_mm"]].to_numpy(dtype=np.float64)
    patients = sizes["patient"].to_numpy()
    found = limits_of_agreement(pair[:, 0], pair[:, 1], patients)
    key, title = f"nodes.{name}.short_axis", f"Short axis of matched nodes, {name} and reference"
    numbers = [
        Number(f"{key}.bias", f"{name} − reference, bias", found.bias, unit="mm"),
        Number(f"{key}.lower_limit", f"{name} − reference, lower limit", found.lower, unit="mm"),
        Number(f"{key}.upper_limit", f"{name} − reference, upper limit", found.upper, unit="mm"),
        Number(f"{key}.icc", "Intraclass correlation of nodes", icc_of_these_readers(pair, "ICC2", patients)),
    ]
    drawn = draw_limits(found, (name, "reference"), "mm", f"bland-altman-nodes-{name}", title)
    return [drawn, numbers_table(key, title, numbers)], numbers
