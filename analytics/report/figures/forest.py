"""Forest plots of ratios with their intervals."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.estimate import Estimate
from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, colour_of, finished, or_said
from analytics.report.wording import estimate_text, p_text

_WIDEST: Final = (0.05, 20.0)
"""Intervals that reach further are drawn with an arrow to the edge."""


@or_said
def draw_forest(rows: Sequence[tuple[str, Estimate, float]], key: str, title: str, x_label: str) -> Figure:
    """Return one line per ratio (label, estimate, p-value) on a log scale, with the figures beside it."""
    drawn = [row for row in rows if row[1].defined and row[1].value > 0 and row[1].low and row[1].high]
    with canvas(6.8, 0.9 + 0.27 * max(len(drawn), 1)) as figure:
        axes = figure.subplots()
        for position, (_, estimate, p_value) in enumerate(drawn):
            low, high = max(estimate.low or 0.0, _WIDEST[0]), min(estimate.high or math.inf, _WIDEST[1])
            axes.plot([low, high], [position, position], color=colour_of(0), linewidth=1.3)
            axes.plot(np.clip(estimate.value, *_WIDEST), position, "s", color=colour_of(0), markersize=4.5)
            for end, bound, marker in ((low, estimate.low, "<"), (high, estimate.high, ">")):
                if end != bound:
                    axes.plot(end, position, marker, color=colour_of(0), markersize=4)
            words = f"{estimate_text(estimate, 'ratio')}   p = {p_text(p_value)}".replace("= <", "< ")
            axes.text(1.02, position, words, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
        axes.axvline(1.0, color="#444444", linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xscale("log")
        ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if _within(tick, drawn)]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(max(len(drawn), 1) - 0.5, -0.5)
        axes.set_yticks(range(len(drawn)), [label for label, _, _ in drawn])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(x_label)
        alternative = f"Forest plot, {title}: " + "; ".join(
            f"{label} {estimate_text(estimate, 'ratio')}" for label, estimate, _ in drawn
        )
        return finished(figure, key, title, alternative)


def _within(tick: float, rows: Sequence[tuple[str, Estimate, float]]) -> bool:
    """Whether a tick lies near the drawn intervals; 0.5 to 2 always do."""
    lows = [max(estimate.low or 1.0, _WIDEST[0]) for _, estimate, _ in rows] + [0.5]
    highs = [min(estimate.high or 1.0, _WIDEST[1]) for _, estimate, _ in rows] + [2.0]
    return min(lows) / 1.6 <= tick <= max(highs) * 1.6
