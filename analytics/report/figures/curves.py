"""Kaplan-Meier and cumulative incidence curves with the numbers at risk below them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, finished, line_style, or_said
from analytics.survival.times import FloatArray, IntArray

_MOST_MARKS: Final = 120
"""Censoring marks that are drawn at most on one curve; more would only blacken it."""


_ONE_COLUMN: Final = 8
"""Curves whose names stand below each other; those of more stand in two columns."""


@dataclass(frozen=True)
class Curve:
    """One step curve as it is drawn."""

    label: str
    time: FloatArray
    """Times of the steps, ascending."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    censored: FloatArray
    """Times of censorings."""

    at_risk: IntArray
    """Numbers at risk at the times below the axis."""

    remark: str = ""
    """Behind the label in the legend, such as median and hazard ratio."""

    drawn_to: float = math.inf
    """Time at which the line ends."""


@dataclass(frozen=True)
class CurveWords:
    """What stands on the figure."""

    key: str
    title: str
    alternative: str
    x_label: str
    y_label: str
    remark: str
    """Such as the p-value, above the axes."""

    start: float
    """Value before the first step: 1 for survival, 0 for incidence."""


@or_said
def draw_curves(curves: Sequence[Curve], ticks: Sequence[float], words: CurveWords) -> Figure:
    """Return the curves with shaded pointwise intervals and a table of numbers at risk."""
    with canvas(5.8, 2.5 + 0.37 * len(curves)) as figure:
        above, below = figure.subplots(2, 1, height_ratios=(2.3, 0.2 * (len(curves) + 1)), sharex=True)
        for index, curve in enumerate(curves):
            _draw(above, curve, index, words.start)
        above.set_ylim(0, 1.02)
        above.set_yticks(np.linspace(0, 1, 6), [f"{tick:.0f} %" for tick in np.linspace(0, 100, 6)])
        above.set_xlim(0, ticks[-1])
        above.set_xticks(ticks)
        above.tick_params(labelbottom=True)
        above.set_ylabel(words.y_label)
        above.set_xlabel(words.x_label)
        # Inside the axes it would cover curves: with several groups no corner is free.
        above.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            title=words.remark or None,
            title_fontsize=8,
            alignment="left",
            borderaxespad=0.3,
            ncols=1 if len(curves) <= _ONE_COLUMN else 2,
            borderpad=0,
        )
        _draw_counts(below, curves, ticks)
        return finished(figure, words.key, words.title, words.alternative)


def _draw(axes: Axes, curve: Curve, index: int, start: float) -> None:
    colour, dash = line_style(index)
    time = np.concatenate([[0.0], curve.time])
    value = np.concatenate([[start], curve.value])
    low, high = (np.nan_to_num(np.concatenate([[start], side]), nan=start) for side in (curve.low, curve.high))
    label = f"{curve.label}{curve.remark}"
    steps = np.flatnonzero(time <= curve.drawn_to)
    end = np.minimum(curve.drawn_to, time[-1])
    # The line goes on to its end, also between two steps.
    at, steps = np.append(time[steps], end), np.append(steps, steps[-1])
    axes.step(at, value[steps], where="post", color=colour, linestyle=dash, linewidth=1.4, label=label)
    axes.fill_between(at, low[steps], high[steps], step="post", color=colour, alpha=0.13, linewidth=0)
    marks = np.unique(curve.censored[curve.censored <= curve.drawn_to])
    if len(marks) > _MOST_MARKS:
        marks = marks[np.linspace(0, len(marks) - 1, _MOST_MARKS).astype(int)]
    heights = value[np.searchsorted(time, marks, side="right") - 1]
    axes.plot(marks, heights, linestyle="none", marker="|", markersize=4, color=colour, alpha=0.6, markeredgewidth=0.7)


def _draw_counts(axes: Axes, curves: Sequence[Curve], ticks: Sequence[float]) -> None:
    axes.set_ylim(len(curves) - 0.4, -0.6)
    axes.set_yticks(range(len(curves)), [curve.label for curve in curves])
    for index, label in enumerate(axes.get_yticklabels()):
        label.set_color(line_style(index)[0])
    for row, curve in enumerate(curves):
        for tick, count in zip(ticks, curve.at_risk, strict=True):
            axes.text(tick, row, f"{count:,}", ha="center", va="center", fontsize=8, clip_on=False)
    axes.set_title("Number at risk", loc="left", fontsize=8.5)
    # The first count stands on the axis itself: names keep clear of it.
    axes.tick_params(length=0, labelbottom=False, pad=20)
    for spine in axes.spines.values():
        spine.set_visible(False)


def nice_ticks(longest: float) -> list[float]:
    """Return five to nine even times from 0 to at least nine tenths of the longest follow-up, which is above 0."""
    for step in (0.25, 0.5, 1, 2, 3, 6, 12, 24, 36, 60, 90, 180, 365, 730, 1825, 3650):
        if longest / step <= 9:
            return [step * index for index in range(int(np.ceil(longest / step - 0.1)) + 1)]
    return [longest * index / 8 for index in range(9)]
