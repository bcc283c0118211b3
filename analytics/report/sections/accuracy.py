"""Diagnostic accuracy of the model and each reader against the reference."""

from typing import Final

import numpy as np

from analytics.accuracy.calibration import calibration
from analytics.accuracy.decision_curve import decision_curve
from analytics.accuracy.figures import above_no_information_rate, accuracy_figures
from analytics.accuracy.paired import compare_predictions
from analytics.accuracy.precision_recall import average_precision, precision_recall_curve
from analytics.accuracy.proportions import ProportionInterval
from analytics.accuracy.roc import area_under_roc, roc_curve
from analytics.accuracy.table import Counts2x2, counts_2x2
from analytics.report.blocks import Block, Number, Section, Style, Table, Text
from analytics.report.figures.scores import draw_calibration, draw_net_benefit, draw_precision_recall, draw_roc
from analytics.report.frame import truth_and_call
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData

LABELS: Final = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "prevalence": "Prevalence",
    "balanced_accuracy": "Balanced accuracy",
    "no_information_rate": "Share of the larger class (no-information rate)",
    "lr_positive": "Positive likelihood ratio",
    "lr_negative": "Negative likelihood ratio",
    "odds_ratio": "Diagnostic odds ratio",
    "f1": "F1",
    "mcc": "MCC (Matthews correlation)",
}
_FEWEST_GROUPS: Final = 3
_MOST_GROUPS: Final = 10
_PER_GROUP: Final = 25
"""Units in a group of the calibration plot."""


def accuracy_section(data: StudyData) -> Section | None:
    """Return every rater's 2x2 table and figures, comparisons with the model, and what its probability is worth."""
    references = [rater for rater in data.study.raters_of("reference") if "status" in data.judgements[rater.name]]
    tested = [
        rater for rater in data.study.raters if rater.role != "reference" and "status" in data.judgements[rater.name]
    ]
    if not references or not tested:
        return None
    reference = references[0].name
    blocks: list[Block] = []
    numbers: list[Number] = []
    points: dict[str, Counts2x2] = {}
    for rater in tested:
        pair = truth_and_call(data, reference, rater.name)
        if pair.empty:
            blocks.append(Text(f"{rater.name}: no patient is judged by both {rater.name} and the reference."))
            continue
        table = counts_2x2(pair["first"].to_numpy(), pair["second"].to_numpy())
        found = _rater_numbers(rater.name, table, data.study.analysis.interval)
        numbers += found
        blocks += [
            _two_by_two(rater.name, table),
            numbers_table(f"accuracy-{rater.name}", f"{rater.name} against the reference", found),
        ]
        points[rater.name] = table
    for model in (rater for rater in tested if rater.role == "model"):
        compared = _comparisons(data, reference, model.name, [rater.name for rater in tested if rater.role == "reader"])
        if compared:
            note = "Differences are of paired judgements on the same patients, model minus reader."
            blocks.append(numbers_table("accuracy-comparisons", "Model against readers", compared, note))
            numbers += compared
        more_blocks, more_numbers = _probability(data, reference, model.name, points)
        blocks += more_blocks
        numbers += more_numbers
    return Section("accuracy", "Diagnostic accuracy", tuple(blocks), tuple(numbers))


def _rater_numbers(name: str, table: Counts2x2, interval: ProportionInterval) -> list[Number]:
    figures = accuracy_figures(table, interval)
    numbers = [
        Number(f"accuracy.{name}.{key}", LABELS.get(key, key.replace("_", " ").capitalize()), value, figure_style(key))
        for key, value in figures.items()
    ]
    test = above_no_information_rate(table)
    return [
        *numbers,
        Number(f"accuracy.{name}.above_no_information_rate", "Accuracy above the larger class's share", test),
    ]


def figure_style(key: str) -> Style:
    """Return how a figure of accuracy is printed."""
    if "ratio" in key or key.startswith("lr_"):
        return "ratio"
    return "number" if key in ("mcc", "f1") else "percent"


def _two_by_two(name: str, table: Counts2x2) -> Table:
    rows = (
        ("Reference positive", f"{table.tp:,}", f"{table.fn:,}", f"{table.positives:,}"),
        ("Reference negative", f"{table.fp:,}", f"{table.tn:,}", f"{table.negatives:,}"),
        ("All", f"{table.tp + table.fp:,}", f"{table.fn + table.tn:,}", f"{table.n:,}"),
    )
    header = ("", f"{name} positive", f"{name} negative", "All")
    return Table(f"two-by-two-{name}", f"{name} and reference", header, rows, "Patients whom both judged.")


def _comparisons(data: StudyData, reference: str, model: str, readers: list[str]) -> list[Number]:
    numbers = []
    with_model = truth_and_call(data, reference, model)
    for reader in readers:
        both = with_model.join(truth_and_call(data, reference, reader), rsuffix="_reader", how="inner")
        if both.empty:
            continue
        compared = compare_predictions(
            both["first"].to_numpy(), both["second"].to_numpy(), both["second_reader"].to_numpy()
        )
        for figure, found in compared.items():
            key, label = f"accuracy.{model}-{reader}.{figure}", f"{LABELS[figure]}, {model} − {reader}"
            numbers.append(Number(key, label, found.difference, "percent"))
            numbers.append(Number(f"{key}.test", f"{label}: test", found.test))
    return numbers


def _probability(
    data: StudyData, reference: str, model: str, points: dict[str, Counts2x2]
) -> tuple[list[Block], list[Number]]:
    """Return ROC, precision-recall, calibration and decision curve of the model's probability, where it has one.

    `points` are what each rater's calls make of the same curves.
    """
    if "probability" not in data.judgements[model]:
        return [], []
    pair = truth_and_call(data, reference, model)
    scored = pair.join(data.judgements[model]["probability"], how="inner").dropna()
    truth, probability = scored["first"].to_numpy(dtype=bool), scored["probability"].to_numpy(dtype=np.float64)
    if truth.all() or not truth.any():
        return [], []
    area = area_under_roc(truth, probability)
    precision = average_precision(truth, probability)
    found = calibration(truth, probability, groups=calibration_groups(len(truth)))
    numbers = [
        Number("probability.auc", "Area under the ROC curve", area),
        Number("probability.average_precision", "Average precision (area under the precision-recall curve)", precision),
        Number("probability.calibration_slope", "Calibration slope", found.slope),
        Number("probability.calibration_intercept", "Calibration intercept", found.intercept),
        Number("probability.brier", "Brier score", found.brier),
        Number("probability.scaled_brier", "Scaled Brier score", found.scaled_brier),
        Number("probability.spiegelhalter", "Calibration test", found.spiegelhalter),
    ]
    blocks: list[Block] = [
        numbers_table("probability", "Probability of the model", numbers),
        draw_roc(roc_curve(truth, probability), area, points, "roc", "ROC curve"),
        draw_precision_recall(precision_recall_curve(truth, probability), precision, points, truth.mean()),
        draw_calibration(found, "calibration", "Calibration"),
        draw_net_benefit(decision_curve(truth, probability), "decision-curve", "Decision curve"),
    ]
    return blocks, numbers


def calibration_groups(units: int) -> int:
    """Return in how many groups a calibration plot shows so many units."""
    return max(min(_MOST_GROUPS, units // _PER_GROUP), _FEWEST_GROUPS)
