"""Heat maps: confusion matrices and agreement of raters."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analytics.report.blocks import Figure
from analytics.report.figures.drawing import canvas, finished, or_said, shades


@or_said
def draw_matrix(
    values: npt.NDArray[np.float64],
    texts: Sequence[Sequence[str]],
    labels: tuple[Sequence[str], Sequence[str]],
    names: tuple[str, str],
    words: tuple[str, str, str],
) -> Figure:
    """Return a heat map of `values` in 0 to 1 (shade) with `texts` in its cells.

    `labels` and `names` are those of rows and columns; `words` are key, title and alternative text.
    """
    rows, columns = values.shape
    longest = max(map(len, labels[0]))
    with canvas(1.1 + 0.72 * columns + 0.055 * longest, 0.9 + 0.48 * rows) as figure:
        axes = figure.subplots()
        axes.imshow(np.nan_to_num(values), cmap=shades(), vmin=0, vmax=1, aspect="auto")
        for row in range(rows):
            for column in range(columns):
                dark = values[row, column] > 0.68
                axes.text(column, row, texts[row][column], ha="center", va="center", color="white" if dark else "black")
        axes.set_xticks(range(columns), labels[1])
        axes.set_yticks(range(rows), labels[0])
        axes.set_xlabel(names[1])
        axes.set_ylabel(names[0])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return finished(figure, *words)
