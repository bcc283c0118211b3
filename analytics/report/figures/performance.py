"""Figures of survival models: area under the curve over time, and calibration at one time."""

from collections.abc import Sequence

import numpy as np

from analytics.estimate import Estimate
from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, colour_of, finished, line_style, or_said
from analytics.report.wording import estimate_text
from analytics.survival.calibration import Calibration


@or_said
def draw_auc_over_time(
    times: Sequence[float], curves: Sequence[tuple[str, Sequence[Estimate]]], unit: str, key: str, title: str
) -> Figure:
    """Return the time-dependent area under the ROC curve of several models (name, one estimate per time)."""
    with canvas(5.2, 3.4) as figure:
        axes = figure.subplots()
        for index, (name, estimates) in enumerate(curves):
            rows = [
                (time, each.value, each.low, each.high)
                for time, each in zip(times, estimates, strict=True)
                if each.defined and each.low is not None and each.high is not None
            ]
            if not rows:
                continue
            time, value, low, high = np.array(rows, dtype=np.float64).T
            axes.plot(
                time, value, color=line_style(index)[0], linestyle=line_style(index)[1], linewidth=1.4, label=name
            )
            axes.fill_between(
                time, np.maximum(low, 0), np.minimum(high, 1), color=line_style(index)[0], alpha=0.13, lw=0
            )
        axes.axhline(0.5, color="#777777", linewidth=0.8)
        axes.set(ylim=(0.3, 1.0), xlabel=f"Time, {unit}", ylabel="Area under the ROC curve")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper right")
        words = "; ".join(f"{name} {estimate_text(estimates[-1])}" for name, estimates in curves)
        alternative = f"Area under the ROC curve over time, at {times[-1]:g} {unit}: {words}."
        return finished(figure, key, title, alternative)


@or_said
def draw_survival_calibration(found: Calibration, key: str, title: str) -> Figure:
    """Return observed against predicted risks by groups, with intervals."""
    with canvas(4.2, 4.0) as figure:
        axes = figure.subplots()
        top = 0.05
        for group in found.groups:
            observed = group.observed
            if not observed.defined:
                continue
            if observed.low is not None and observed.high is not None:
                axes.plot([group.predicted] * 2, [observed.low, observed.high], color=colour_of(0), linewidth=1.1)
                top = max(top, observed.high)
            axes.plot(group.predicted, observed.value, "o", color=colour_of(0), markersize=4.5)
            top = max(top, group.predicted, observed.value)
        top = min(1.0, 1.08 * top)
        axes.plot([0, top], [0, top], color="#777777", linewidth=0.8, linestyle=(0, (4, 3)), label="perfect")
        when = f"by {found.time:g} {found.unit}"
        axes.set(xlim=(0, top), ylim=(0, top), xlabel=f"Predicted risk {when}", ylabel=f"Observed risk {when}")
        axes.set_aspect("equal")
        axes.legend(loc="upper left")
        ratio = estimate_text(found.observed_to_expected, "ratio")
        return finished(figure, key, title, f"Calibration {when}; observed over expected {ratio}.")
