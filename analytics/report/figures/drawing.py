"""How every figure looks and how it becomes bytes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import BytesIO
from typing import Any, Final, ParamSpec

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text as Words
from PIL import Image

from analytics.errors import fault_text
from analytics.report.blocks import Figure, Text, identifier
from analytics.report.letters import DEJAVU, family, runs

COLOURS: Final = ("#0b5fa5", "#c44e00", "#2b7d3c", "#7b3f98", "#8a6d00", "#4d4d4d")
"""Dark enough on white for small marks (at least 4.5 to 1), and apart from each other for the colour-blind."""

DASHES: Final = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1)), (0, (8, 3)))
"""A line is told by its dashes as well as by its colour."""


def line_style(index: int) -> tuple[str, Any]:
    """Return colour and dashes of a curve: 36 that differ, the first six in both."""
    index %= len(COLOURS) * len(DASHES)
    return COLOURS[index % len(COLOURS)], DASHES[(index + index // len(COLOURS)) % len(DASHES)]


_DOTS_PER_INCH: Final = 300

_STYLE: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    # Without a salt of its own every SVG gets random identifiers.
    "svg.hashsalt": "sidewall-analytics",
    "path.simplify": True,
}


Arguments = ParamSpec("Arguments")


def or_said(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure | Text]:
    """Return a way of drawing that says what it was lost to instead of failing: the numbers behind it are known."""

    @wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure | Text:
        try:
            return draw(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a picture must not cost the numbers that it shows
            fault = fault_text(error)
            return Text(
                f"A figure was not drawn because of a fault of this program ({fault}). Please report it.", fault
            )

    return drawn


@contextmanager
def canvas(width_in: float, height_in: float) -> Iterator[Canvas]:
    """Yield an empty figure in the report's style, whatever a user's matplotlibrc or another library has set."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Canvas(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def finished(figure: Canvas, key: str, title: str, alternative: str, note: str = "") -> Figure:
    """Return a drawn figure as a block; call it inside `canvas`. Neither file carries a date."""
    # The layout is found once: each way of saving would find it again, even for the engine that is called "none".
    for text in figure.findobj(Words):
        if not (words := text.get_text()).isascii():
            text.set_fontfamily([family(path) for path in dict.fromkeys([DEJAVU, *(path for path, _ in runs(words))])])
    figure.draw_without_rendering()
    figure.set_layout_engine(None)
    svg = BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    width_in, height_in = (float(length) for length in figure.get_size_inches())
    return Figure(identifier(key), title, alternative, svg.getvalue(), _png(figure), width_in, height_in, note)


def _png(figure: Canvas) -> bytes:
    """Return the figure without the channel for what shines through: nothing does, and a PDF takes it out slowly."""
    raw, png = BytesIO(), BytesIO()
    figure.savefig(raw, format="rgba", dpi=_DOTS_PER_INCH)
    width, height = (int(length * _DOTS_PER_INCH) for length in figure.get_size_inches())
    image = Image.frombytes("RGBA", (width, height), raw.getvalue())
    image.convert("RGB").save(png, format="png", dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
    return png.getvalue()
