"""Figures of probabilities and measurements: ROC, calibration, net benefit, Bland-Altman."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from analytics.accuracy.calibration import Calibration
from analytics.accuracy.decision_curve import DecisionCurve
from analytics.accuracy.precision_recall import PrecisionRecallCurve
from analytics.accuracy.roc import RocCurve
from analytics.accuracy.table import Counts2x2
from analytics.agreement.limits import LimitsOfAgreement
from analytics.estimate import Estimate
from analytics.report.blocks import Figure
from analytics.report.figures.drawing import DASHES, canvas, colour_of, finished, line_style, or_said
from analytics.report.wording import estimate_text

_MOST_POINTS = 4000


@dataclass(frozen=True)
class ScoreCurve:
    """What a score is worth on one level."""

    name: str
    roc: RocCurve
    precision: PrecisionRecallCurve
    area: Estimate
    prevalence: float


@or_said
def draw_roc(curve: RocCurve, area: Estimate, raters: Mapping[str, Counts2x2], key: str, title: str) -> Figure:
    """Return the curve of the model's probability, with the points of raters' calls."""
    points = {
        name: (1 - table.tn / table.negatives, table.tp / table.positives)
        for name, table in raters.items()
        if table.positives and table.negatives
    }
    with canvas(4.2, 4.0) as figure:
        axes = figure.subplots()
        area_words = f"model's probability, area {estimate_text(area)}"
        axes.plot(1 - curve.specificity, curve.sensitivity, color=colour_of(0), linewidth=1.4, label=area_words)
        axes.plot([0, 1], [0, 1], color="#777777", linewidth=0.8, linestyle=(0, (4, 3)))
        _draw_points(axes, points)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="1 − specificity", ylabel="Sensitivity")
        axes.set_aspect("equal")
        axes.legend(loc="lower right")
        return finished(figure, key, title, f"ROC curve of the model's probability; area {estimate_text(area)}.")


@or_said
def draw_precision_recall(
    curve: PrecisionRecallCurve, average: Estimate, raters: Mapping[str, Counts2x2], prevalence: float
) -> Figure:
    """Return the precision-recall curve of the model's probability, with the points of raters' calls."""
    points = {
        name: (table.tp / table.positives, table.tp / (table.tp + table.fp))
        for name, table in raters.items()
        if table.positives and table.tp + table.fp
    }
    with canvas(4.2, 4.0) as figure:
        axes = figure.subplots()
        words = f"model's probability, average {estimate_text(average)}"
        _draw_precision(axes, curve, 0, words)
        axes.axhline(prevalence, color="#777777", linewidth=0.8, linestyle=(0, (4, 3)))
        _draw_points(axes, points)
        axes.set(
            xlim=(0, 1), ylim=(0, 1), xlabel="Recall (sensitivity)", ylabel="Precision (positive predictive value)"
        )
        axes.set_aspect("equal")
        # The line of the prevalence lies where no curve does, and so does the legend: it covers the line.
        axes.legend(loc="lower left", frameon=True, framealpha=1.0, edgecolor="none")
        alternative = f"Precision-recall curve of the model's probability; average precision {estimate_text(average)}."
        return finished(figure, "precision-recall", "Precision-recall curve", alternative)


@or_said
def draw_score_curves(curves: Sequence[ScoreCurve], key: str, title: str) -> Figure:
    """Return ROC and precision-recall curves of several levels beside each other."""
    with canvas(7.6, 3.9) as figure:
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color="#777777", linewidth=0.8, linestyle=(0, (4, 3)))
        for index, curve in enumerate(curves):
            roc, words = curve.roc, f"{curve.name}, area {estimate_text(curve.area)}"
            colour, dash = line_style(index)
            left.plot(1 - roc.specificity, roc.sensitivity, color=colour, linestyle=dash, linewidth=1.4, label=words)
            _draw_precision(right, curve.precision, index, f"{curve.name}, {100 * curve.prevalence:.0f} % positive")
        left.set(xlim=(0, 1), ylim=(0, 1), xlabel="1 − specificity", ylabel="Sensitivity")
        right.set(xlim=(0, 1), ylim=(0, 1), xlabel="Recall (sensitivity)", ylabel="Precision")
        left.legend(loc="lower right")
        right.legend(loc="lower left")
        for axes in (left, right):
            axes.set_aspect("equal")
        words = "; ".join(f"{curve.name}, area {estimate_text(curve.area)}" for curve in curves)
        return finished(figure, key, title, f"ROC and precision-recall curves: {words}.")


def _draw_precision(axes: Axes, curve: PrecisionRecallCurve, index: int, label: str) -> None:
    recall, precision = np.concatenate([[0.0], curve.recall]), np.concatenate([curve.precision[:1], curve.precision])
    style: dict[str, Any] = {"color": line_style(index)[0], "linestyle": line_style(index)[1], "linewidth": 1.4}
    axes.step(recall, precision, where="pre", label=label, **style)


def _draw_points(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    for index, (name, (x, y)) in enumerate(points.items()):
        colour = colour_of(1 + index % 5)
        axes.plot(x, y, "osD^vP"[index % 6], color=colour, linestyle="none", label=name, clip_on=False)


@or_said
def draw_calibration(found: Calibration, key: str, title: str) -> Figure:
    """Return observed shares with intervals against mean probabilities, by groups."""
    with canvas(4.2, 4.0) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#777777", linewidth=0.8, linestyle=(0, (4, 3)), label="perfect")
        means = [group.mean_probability for group in found.groups]
        shares = np.array([group.observed.value for group in found.groups])
        lows = np.array([np.nan if group.observed.low is None else group.observed.low for group in found.groups])
        highs = np.array([np.nan if group.observed.high is None else group.observed.high for group in found.groups])
        axes.errorbar(
            means, shares, yerr=np.clip([shares - lows, highs - shares], 0, None), fmt="o-", color=colour_of(0),
            markersize=4, linewidth=1.1, capsize=2, label="observed, with interval",
        )  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Mean probability", ylabel="Observed share of positives")
        axes.set_aspect("equal")
        axes.legend(loc="upper left")
        words = f"Calibration plot; slope {estimate_text(found.slope)}, intercept {estimate_text(found.intercept)}."
        return finished(figure, key, title, words)


@or_said
def draw_net_benefit(curve: DecisionCurve, key: str, title: str) -> Figure:
    """Return the net benefit of the model against acting on all and on nobody."""
    with canvas(5.2, 3.4) as figure:
        axes = figure.subplots()
        axes.plot(curve.thresholds, curve.model, color=colour_of(0), linewidth=1.4, label="model")
        axes.fill_between(curve.thresholds, curve.low, curve.high, color=colour_of(0), alpha=0.13, linewidth=0)
        axes.plot(curve.thresholds, curve.act_on_all, color=colour_of(1), linestyle=DASHES[1], label="act on all")
        axes.axhline(0.0, color="#444444", linewidth=0.8, label="act on nobody")
        top = float(np.nanmax([np.nanmax(curve.high), np.nanmax(curve.act_on_all), 0.01]))
        axes.set(ylim=(-0.25 * top, 1.1 * top), xlabel="Threshold probability", ylabel="Net benefit")
        axes.legend(loc="upper right")
        return finished(figure, key, title, "Decision curve: net benefit of the model by threshold.")


@or_said
def draw_limits(found: LimitsOfAgreement, names: tuple[str, str], unit: str, key: str, title: str) -> Figure:
    """Return the Bland-Altman plot of two measurements."""
    with canvas(5.2, 3.4) as figure:
        axes = figure.subplots()
        means, differences = _thinned(found.means, found.differences)
        axes.plot(means, differences, ".", color=colour_of(0), markersize=3, alpha=0.5)
        for estimate, label in ((found.bias, "bias"), (found.lower, "lower limit"), (found.upper, "upper limit")):
            axes.axhline(
                estimate.value, color=colour_of(1), linewidth=1.1, linestyle="solid" if label == "bias" else DASHES[1]
            )
            if estimate.low is not None and estimate.high is not None:
                axes.axhspan(estimate.low, estimate.high, color=colour_of(1), alpha=0.12, linewidth=0)
            axes.annotate(
                f"{label} {estimate.value:.2f}".replace("-", "−"), (1.01, estimate.value), fontsize=8, va="center",
                xycoords=axes.get_yaxis_transform(), annotation_clip=False,
            )  # fmt: skip
        axes.set(xlabel=f"Mean of {names[0]} and {names[1]}, {unit}", ylabel=f"{names[0]} − {names[1]}, {unit}")
        words = f"Bland-Altman plot; bias {estimate_text(found.bias, unit=unit)}."
        return finished(figure, key, title, words)


def _thinned(
    means: npt.NDArray[np.float64], differences: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return evenly chosen points where there are too many to see."""
    if len(means) <= _MOST_POINTS:
        return means, differences
    chosen = np.linspace(0, len(means) - 1, _MOST_POINTS).astype(int)
    return means[chosen], differences[chosen]
