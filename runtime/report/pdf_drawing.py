"""A scene as a flowable of ReportLab."""

from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject
from reportlab.platypus import Flowable

from runtime.report.pdf_setup import BOLD, REGULAR
from runtime.report.pdf_tags import figure
from runtime.report.scene import Line, Outline, Scene, Text

_HATCH_STEP: Final = 6.0


class Drawing(Flowable):
    """A scene scaled to a width in points, centred in its frame."""

    def __init__(self, scene: Scene, width: float, alternative: str = "") -> None:
        super().__init__()
        self.alternative = alternative
        self.scene = scene
        self.hAlign = "CENTER"
        self.width, self.height = width, width * scene.height / scene.width

    def wrap(self, aW: float, aH: float) -> tuple[float, float]:
        """Return the size it takes, whatever is there."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw as a figure, with the scene's y, which grows downwards."""
        with figure(self.canv, self.alternative):
            self._draw()

    def _draw(self) -> None:
        scale = self.width / self.scene.width
        self.canv.translate(0, self.height)
        self.canv.scale(scale, -scale)
        for item in self.scene.items:
            if isinstance(item, Outline):
                _draw_outline(self.canv, item)
            elif isinstance(item, Line):
                _set_stroke(self.canv, item.stroke, item.width)
                self.canv.line(*item.start, *item.end)
            else:
                _draw_text(self.canv, item)


def _draw_outline(canvas: Canvas, item: Outline) -> None:
    if item.stroke:
        _set_stroke(canvas, item.stroke, item.width)
    if item.fill:
        canvas.setFillColor(HexColor(item.fill))
    canvas.drawPath(_path(canvas, item), stroke=int(item.stroke is not None), fill=int(item.fill is not None))
    if item.hatched:
        _hatch(canvas, item)


def _path(canvas: Canvas, item: Outline) -> PDFPathObject:
    path = canvas.beginPath()
    path.moveTo(*item.start)
    for first, second, end in item.curves:
        path.curveTo(*first, *second, *end)
    path.close()
    return path


def _hatch(canvas: Canvas, item: Outline) -> None:
    """Draw slanting lines inside the outline."""
    xs = [item.start[0], *(point[0] for curve in item.curves for point in curve)]
    ys = [item.start[1], *(point[1] for curve in item.curves for point in curve)]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    canvas.saveState()
    canvas.clipPath(_path(canvas, item), stroke=0, fill=0)
    canvas.setLineWidth(1.0)
    x = left - (bottom - top)
    while x < right:
        canvas.line(x, bottom, x + bottom - top, top)
        x += _HATCH_STEP
    canvas.restoreState()


def _draw_text(canvas: Canvas, item: Text) -> None:
    canvas.saveState()
    canvas.translate(*item.at)
    canvas.scale(1, -1)
    canvas.setFillColor(HexColor(item.colour))
    # DejaVu is wider than the page's fonts, for which the scene is laid out.
    canvas.setFont(BOLD if item.bold else REGULAR, item.size * 0.86)
    write = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
    write[item.anchor](0, 0, item.words)
    canvas.restoreState()


def _set_stroke(canvas: Canvas, colour: str, width: float) -> None:
    canvas.setStrokeColor(HexColor(colour))
    canvas.setLineWidth(width)
