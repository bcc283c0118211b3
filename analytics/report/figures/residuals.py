"""Scaled Schoenfeld residuals: how the effect of each column of a Cox model moves over the follow-up."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, colour_of, finished, or_said
from analytics.report.wording import number_text
from analytics.survival.proportional_hazards import ResidualPlot

_ACROSS: Final = 3
_MOST_POINTS: Final = 1000
"""Residuals that are drawn at most in one panel; more would only blacken it."""

_MOST_TICKS: Final = 4


@or_said
def draw_residuals(plots: Sequence[tuple[str, ResidualPlot]], key: str, title: str, unit: str) -> Figure:
    """Return one panel per labelled column: residuals, their smooth line with its interval, and the model's constant.

    The axis of time is spaced as the test of proportional hazards has it; `unit` is that of the follow-up.
    """
    down = -(-len(plots) // _ACROSS)
    with canvas(6.8, 0.4 + 1.75 * down) as figure:
        panels = figure.subplots(down, _ACROSS, squeeze=False).ravel()
        for axes, (label, plot) in zip(panels, plots, strict=False):
            _draw(axes, label, plot)
        for axes in panels[len(plots) :]:
            axes.set_axis_off()
        figure.supxlabel(f"Time, {unit}", fontsize=8.5)
        figure.supylabel("Log hazard ratio", fontsize=8.5)
        alternative = f"{title}: " + "; ".join(
            f"{label} from {number_text(plot.smooth[0])} to {number_text(plot.smooth[-1])}, "
            f"{number_text(plot.coefficient)} in the model"
            for label, plot in plots
        )
        note = (
            "Points are scaled Schoenfeld residuals, the line a natural spline with 4 degrees of freedom with its 95 % "
            "interval, the dashed line the log hazard ratio of the model. A line that leaves it speaks against "
            "proportional hazards."
        )
        return finished(figure, key, title, alternative, note)


def _draw(axes: Axes, label: str, plot: ResidualPlot) -> None:
    shown = np.unique(np.linspace(0, len(plot.time) - 1, min(len(plot.time), _MOST_POINTS)).astype(int))
    axes.plot(plot.scaled_time[shown], plot.residual[shown], ".", color="#777777", markersize=2.2, alpha=0.6)
    axes.fill_between(plot.smooth_at, plot.low, plot.high, color=colour_of(0), alpha=0.18, linewidth=0)
    axes.plot(plot.smooth_at, plot.smooth, color=colour_of(0), linewidth=1.3)
    axes.axhline(plot.coefficient, color=colour_of(1), linewidth=1.0, linestyle=(0, (4, 3)))
    axes.set_title(label, fontsize=7.5)
    places = np.unique(np.linspace(0, len(plot.time) - 1, _MOST_TICKS).astype(int))
    axes.set_xticks(plot.scaled_time[places], [f"{time:.3g}" for time in plot.time[places]])
    axes.tick_params(labelsize=7)
