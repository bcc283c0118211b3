"""What every picture shares: its measures and colours, the burned-in words, the greys and the tinted stations."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from sidewall.vocabulary import Colour

from core.findings import Node
from core.labels import STATION_LABELS
from core.volume import Volume
from runtime.results.drawing import WHITE, Canvas, write
from runtime.results.palette import STATION_COLOURS
from runtime.results.words import RESEARCH_WORDS

PANEL_PX: Final = 480
GAP_PX: Final = 6
HEADER_PX: Final = 44
BACKGROUND: Final[Colour] = (18, 20, 24)
QUIET: Final[Colour] = (170, 178, 188)

_RESEARCH: Final[Colour] = (255, 214, 90)


def mark(panel: Image.Image, size_px: int) -> None:
    """Burn in the sides and what the picture must not be used for."""
    width, height = panel.size
    write(panel, (8, height / 2), "R", WHITE, size_px, "lm")
    write(panel, (width - 8, height / 2), "L", WHITE, size_px, "rm")
    mark_research(panel, size_px)


def mark_research(panel: Image.Image, size_px: int) -> None:
    """Burn in what the picture must not be used for."""
    width, height = panel.size
    write(panel, (width / 2, height - 8), RESEARCH_WORDS, _RESEARCH, size_px - 2, "mb")


def tint_stations(canvas: Canvas, labels: Volume, opacity: float) -> None:
    """Lay the stations' colours over the slice of a canvas; `labels` (z, y, x) on the image's grid."""
    plane = labels.voxels[canvas.view.slice_index]
    for value, station in STATION_LABELS.items():
        canvas.tint(plane == value, STATION_COLOURS[station], opacity)


def slice_of(node: Node, image: Volume) -> int:
    """Return the index of the canonical slice on which the short axis was measured."""
    ends = image.lps_mm_to_index(node.axis_endpoints_lps_mm["short"])
    return int(np.clip(np.rint(ends[:, 0].mean()), 0, image.shape[0] - 1))


def fullest_slice(labels: Volume) -> int:
    """Return the index of the canonical slice that shows most of the stations, or of the middle one without any."""
    visible = np.isin(labels.voxels, list(STATION_LABELS)).sum(axis=(1, 2))
    return int(visible.argmax()) if visible.any() else len(visible) // 2


def grey_range(voxels: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the intensities shown as black and white: a robust range of the volume's inner part."""
    _, rows, columns = voxels.shape
    inner = voxels[::2, rows // 6 : rows - rows // 6 : 3, columns // 6 : columns - columns // 6 : 3]
    low, high = np.percentile(inner, (1.0, 99.3))
    return float(low), max(float(high), float(low) + 1e-6)
