"""The flow of patients as a diagram, as STARD asks for it."""

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes

from analytics.report.blocks import Figure
from analytics.report.figures.drawing import box_style, canvas, finished, or_said
from analytics.study.problems import FlowStep

_ARROW: Final[dict[str, Any]] = {"arrowstyle": "-|>", "lw": 0.9, "color": "#333333"}
_LEFT_OUT_BOX: Final[dict[str, Any]] = {"boxstyle": "square,pad=0.3", "fc": "white", "ec": "#888888", "lw": 0.7}
_CENTRE_IN: Final = 1.6
_GAP_IN: Final = 0.14


@or_said
def draw_flow(steps: Sequence[FlowStep], key: str, title: str) -> Figure:
    """Return one box per step, with those left out beside the arrow that leads to it."""
    heights = [0.55 + 0.17 * max(len(step.reasons) - 1, 0) for step in steps]
    width = 6.4 if any(step.reasons for step in steps) else 3.2
    with canvas(width, sum(heights) + 0.75) as figure:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set(xlim=(0, width), ylim=(sum(heights) + 0.55, 0))
        y = 0.25
        _box(axes, y, f"Rows of the {steps[0].name}: n = {steps[0].before:,}")
        for step, height in zip(steps, heights, strict=True):
            axes.annotate("", (_CENTRE_IN, y + height - _GAP_IN), (_CENTRE_IN, y + _GAP_IN), arrowprops=_ARROW)
            if step.reasons:
                words = "\n".join(f"{count:,} {reason}" for reason, count in step.reasons)
                middle = y + height / 2
                axes.annotate("", (3.3, middle), (_CENTRE_IN, middle), arrowprops=_ARROW)
                axes.text(3.38, middle, words, va="center", fontsize=8, bbox=_LEFT_OUT_BOX)
            y += height
            _box(axes, y, f"After {step.name}: n = {step.after:,}")
        alternative = "Flow of patients: " + "; ".join(f"{step.after} after {step.name}" for step in steps)
        return finished(figure, key, title, alternative)


def _box(axes: Axes, y: float, words: str) -> None:
    axes.text(_CENTRE_IN, y, words, ha="center", va="center", fontsize=8.5, bbox=box_style())
