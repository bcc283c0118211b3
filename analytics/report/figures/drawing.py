"""How every figure looks and how it becomes bytes."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from io import BytesIO
from typing import Any, Final, ParamSpec

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text as Words
from matplotlib.ticker import FixedLocator
from PIL import Image

from analytics.errors import fault_text
from analytics.report.blocks import Figure, Text, identifier
from analytics.report.language import say, spoken
from analytics.report.letters import DEJAVU, family, runs
from analytics.study.spec import FigureLook, Palette

PALETTES: Final[dict[Palette, tuple[str, ...]]] = {
    # Dark enough on white for small marks (at least 4.5 to 1), and apart from each other for the colour-blind.
    "colour": ("#0b5fa5", "#c44e00", "#2b7d3c", "#7b3f98", "#8a6d00", "#4d4d4d"),
    # For print without colour: lines are told by their dashes.
    "grey": ("#000000", "#5a5a5a", "#2b2b2b", "#727272", "#404040", "#666666"),
}

DASHES: Final = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1)), (0, (8, 3)))
"""A line is told by its dashes as well as by its colour."""


def line_style(index: int) -> tuple[str, Any]:
    """Return colour and dashes of a curve: 36 that differ, the first six in both."""
    colours = len(PALETTES["colour"])
    index %= colours * len(DASHES)
    return colour_of(index), DASHES[(index + index // colours) % len(DASHES)]


def colour_of(index: int) -> str:
    """Return a colour of the palette that is drawn with."""
    colours = PALETTES[_LOOK.get().palette]
    return colours[index % len(colours)]


def shades() -> str:
    """Return the name of matplotlib's map from light to dark that goes with the palette."""
    return "Greys" if _LOOK.get().palette == "grey" else "Blues"


def box_style() -> dict[str, Any]:
    """Return how a box with words looks."""
    inside = "#f2f2f2" if _LOOK.get().palette == "grey" else "#eef4fa"
    return {"boxstyle": "square,pad=0.35", "fc": inside, "ec": colour_of(0), "lw": 0.9}


@contextmanager
def drawn_as(look: FigureLook) -> Iterator[None]:
    """Draw every figure inside as a journal wants it."""
    before = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(before)


_USUAL: Final = FigureLook()
_LOOK: Final[ContextVar[FigureLook]] = ContextVar("figure_look", default=_USUAL)
_LEAST_TYPE: Final = 0.75
"""Share of its own size to which a figure is narrowed at most: type of 6.4 points, about what journals ask at least."""


_DOTS_PER_INCH: Final = 300
_MM_PER_INCH: Final = 25.4

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
            return _with_room(lambda: draw(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a picture must not cost the numbers that it shows
            fault = fault_text(error)
            return Text(
                f"A figure was not drawn because of a fault of this program ({fault}). Please report it.", fault
            )

    return drawn


def _with_room(draw: Callable[[], Figure]) -> Figure:
    """Return a figure of the width asked for, or of its own where it has no room in that, which its note then says."""
    look = _LOOK.get()
    if look.width_mm is None:
        return draw()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="constrained_layout not applied")
            figure = draw()
    except UserWarning:
        with drawn_as(replace(look, width_mm=None)):
            figure = draw()
    if figure.width_in * _MM_PER_INCH <= look.width_mm + 0.5:
        return figure
    note = f"Wider than {look.width_mm:g} mm, in which it has no room."
    return replace(figure, note=f"{figure.note} {note}".strip())


@contextmanager
def canvas(width_in: float, height_in: float) -> Iterator[Canvas]:
    """Yield an empty figure in the report's style, whatever a user's matplotlibrc or another library has set."""
    widest_mm = _LOOK.get().width_mm
    share = 1.0 if widest_mm is None else min(1.0, widest_mm / _MM_PER_INCH / width_in)
    if share < _LEAST_TYPE:
        share = 1.0
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        for key in ("font.size", "axes.titlesize", "legend.fontsize"):
            mpl.rcParams[key] = _STYLE[key] * share
        figure = Canvas(figsize=(width_in * share, height_in * share), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def finished(figure: Canvas, key: str, title: str, alternative: str, note: str = "") -> Figure:
    """Return a drawn figure as a block; call it inside `canvas`. Neither file carries a date."""
    # The layout is found once: each way of saving would find it again, even for the engine that is called "none".
    _say_words(figure)
    for text in figure.findobj(Words):
        if not (words := text.get_text()).isascii():
            others = [path for path, _ in runs(words) if path != DEJAVU]
            text.set_fontfamily([family(path) for path in dict.fromkeys([DEJAVU, *others])])
            if others:
                # Only DejaVu comes in bold here.
                text.set_fontweight("normal")
    figure.draw_without_rendering()
    figure.set_layout_engine(None)
    svg = BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    width_in, height_in = (float(length) for length in figure.get_size_inches())
    return Figure(identifier(key), title, alternative, svg.getvalue(), _png(figure), width_in, height_in, note)


def _say_words(figure: Canvas) -> None:
    """Put every word of a figure into the language that is spoken; words beside ticks are kept by their axis."""
    if spoken() == "en":
        return
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if isinstance(axis.get_major_locator(), FixedLocator) and labels:
            axis.set_ticklabels([say(label) for label in labels])
    for text in figure.findobj(Words):
        text.set_text(say(text.get_text()))


def _png(figure: Canvas) -> bytes:
    """Return the figure without the channel for what shines through: nothing does, and a PDF takes it out slowly."""
    raw, png = BytesIO(), BytesIO()
    figure.savefig(raw, format="rgba", dpi=_DOTS_PER_INCH)
    width, height = (int(length * _DOTS_PER_INCH) for length in figure.get_size_inches())
    image = Image.frombytes("RGBA", (width, height), raw.getvalue())
    image.convert("RGB").save(png, format="png", dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
    return png.getvalue()
