"""STARD's flow down to index test by reference: who had the test, what it said, and what the reference says of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes

from analytics.report.blocks import Figure
from analytics.report.figures.drawing import box_style, canvas, finished, or_said

_ARROW: Final[dict[str, Any]] = {"arrowstyle": "-|>", "lw": 0.9, "color": "#333333"}
_COLUMN_IN: Final = 2.2
_LEVELS_IN: Final = (0.3, 1.1, 2.3)
"""Heights of the three rows of boxes."""


@dataclass(frozen=True)
class Branch:
    """What the index test said, and the reference of those patients."""

    called: str
    """Such as `positive` or `neither`."""

    reference: tuple[tuple[str, int], ...]
    """Word of the reference and patients, `no reference` among them; together all who were called so."""

    @property
    def patients(self) -> int:
        """How many were called so."""
        return sum(count for _, count in self.reference)


@or_said
def draw_branches(index_test: str, branches: Sequence[Branch], key: str, title: str) -> Figure:
    """Return the eligible patients above, a box for each answer of the index test, and the reference below each."""
    width = _COLUMN_IN * len(branches)
    eligible = sum(branch.patients for branch in branches)
    with canvas(width, _LEVELS_IN[-1] + 0.6) as figure:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set(xlim=(0, width), ylim=(_LEVELS_IN[-1] + 0.5, 0))
        _box(axes, width / 2, _LEVELS_IN[0], f"Patients: n = {eligible:,}")
        for place, branch in enumerate(branches):
            x = _COLUMN_IN * (place + 0.5)
            _arrow(axes, (width / 2, _LEVELS_IN[0]), (x, _LEVELS_IN[1]))
            _arrow(axes, (x, _LEVELS_IN[1]), (x, _LEVELS_IN[2]))
            _box(axes, x, _LEVELS_IN[1], f"{index_test} {branch.called}:\nn = {branch.patients:,}")
            _box(axes, x, _LEVELS_IN[2], "\n".join(f"{word}: n = {count:,}" for word, count in branch.reference))
        said = "; ".join(
            f"{index_test} {branch.called} {branch.patients} ("
            + ", ".join(f"{word} {count}" for word, count in branch.reference)
            + ")"
            for branch in branches
        )
        return finished(figure, key, title, f"{title}: {eligible} patients; {said}")


def _box(axes: Axes, x: float, y: float, words: str) -> None:
    axes.text(x, y, words, ha="center", va="center", fontsize=8.5, bbox=box_style())


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw from below one box to above another."""
    axes.annotate("", (end[0], end[1] - 0.32), (start[0], start[1] + 0.24), arrowprops=_ARROW)
