"""One slice of a case with the outlines of its mask."""

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from sidewall.vocabulary import STATIONS

from core.labels import NODE_LABELS, NODE_NEGATIVE, NODE_POSITIVE
from core.volume import Volume

LABEL_COLOURS: Final[dict[int, tuple[int, int, int]]] = {
    **{each.label: each.study_colour for each in STATIONS},
    NODE_NEGATIVE: (70, 170, 255),
    NODE_POSITIVE: (255, 225, 40),
}
"""The study's own colours (Qiao et al. 2025): purple, green, red, blue, yellow, as they show on grey."""

_HEIGHT: Final = 260
"""Pixels; enough to see whether the outlines follow the anatomy."""

_SHOWN_PERCENTILES: Final = (1.0, 99.5)


def thumbnail(image: Volume, labels: Volume) -> bytes:
    """Return a PNG of the slice that shows most of a mask: canonical image and labels on one grid.

    As radiologists look at it: front up, the patient's left on the right. Nodes count ten times, so that a case with
    nodes shows one; a mask without labels gives the middle slice.
    """
    index = _shown_slice(labels.voxels)
    height_mm, width_mm = image.shape[1] * image.spacing_mm[1], image.shape[2] * image.spacing_mm[2]
    size = (max(1, round(_HEIGHT * width_mm / height_mm)), _HEIGHT)
    grey = Image.fromarray(_grey(image.voxels[index])).resize(size, Image.Resampling.BILINEAR)
    mask = np.asarray(Image.fromarray(labels.voxels[index]).resize(size, Image.Resampling.NEAREST))
    pixels = np.asarray(grey.convert("RGB")).copy()
    edge = _edges(mask)
    for label, colour in LABEL_COLOURS.items():
        pixels[edge & (mask == label)] = colour
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _shown_slice(labels: npt.NDArray[np.uint8]) -> int:
    weights = np.count_nonzero(labels, axis=(1, 2)) + 10 * np.count_nonzero(np.isin(labels, NODE_LABELS), axis=(1, 2))
    return int(np.argmax(weights)) if weights.any() else len(labels) // 2


def _grey(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    values = plane.astype(np.float64)
    low, high = np.percentile(values, _SHOWN_PERCENTILES)
    scaled = (values - low) / max(float(high - low), 1e-6)
    return np.asarray(np.clip(scaled * 255, 0, 255), dtype=np.uint8)


def _edges(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return the pixels (y, x) whose neighbour below or to the right, above or to the left, has another label."""
    edge = np.zeros(mask.shape, dtype=bool)
    down, right = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge
