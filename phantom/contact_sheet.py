"""One picture of a case: slices in radiological convention, without and with the outlines of stations and nodes."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from sidewall.vocabulary import STATIONS

from core.counting import named
from core.labels import NODE_NEGATIVE, NODE_POSITIVE
from core.volume import Volume, canonicalise
from phantom.case import PhantomCase

Colour = tuple[int, int, int]

COLOURS: dict[int, tuple[str, Colour]] = {
    **{each.label: (each.label_name.replace("_", " "), each.study_colour) for each in STATIONS},
    NODE_NEGATIVE: ("negative node", (70, 160, 255)),
    NODE_POSITIVE: ("positive node", (255, 230, 0)),
}
"""Label -> name and colour (RGB); the study's own colours, lightened to stand out from a dark image."""

_WHITE: Colour = (255, 255, 255)
_BAR_HEIGHT = 34
_GAP = 4
_COLUMNS = 4
"""Panes in a row: two slices, each plain and outlined."""


def contact_sheet(case: PhantomCase, *, slices: int = 8, pane_px: int = 420) -> Image.Image:
    """Return an RGB picture of some slices from head to feet, each plain and beside it with outlines.

    Every node is there, in the slice of its largest section; `slices` are shown at least, and `pane_px` is the width of
    a pane in pixels. The patient's right is on the left of every pane, as radiologists read.
    """
    image, labels, node_ids = (canonicalise(volume)[0] for volume in (case.image, case.labels, case.node_ids))
    grey = _window(image.voxels)
    panes = []
    for index in choose_slices(node_ids.voxels, slices):
        panes.append(_pane(grey, image, None, None, index, pane_px))
        panes.append(_pane(grey, image, labels.voxels, node_ids.voxels, index, pane_px))
    return _assemble(panes, columns=_COLUMNS, title=_title(case, _largest_sections(node_ids.voxels)))


def choose_slices(node_ids: npt.NDArray[np.uint8], wanted: int) -> list[int]:
    """Return slice indices of node numbers (z, y, x), z to the head, from head to feet.

    The slice of every node's largest section is among them; those that lie farthest from others fill up to `wanted`.
    """
    chosen = set(_largest_sections(node_ids).values())
    count = node_ids.shape[0]
    while len(chosen) < min(wanted, count):
        # One beyond either end, so that the very last slices, which show the least, come late.
        others = np.array([-1, count, *chosen])
        distances = np.abs(np.arange(count)[:, None] - others).min(axis=1)
        chosen.add(int(distances.argmax()))
    return sorted(chosen, reverse=True)


def _largest_sections(node_ids: npt.NDArray[np.uint8]) -> dict[int, int]:
    """Return node number -> index of the slice that shows most of it."""
    return {
        int(node_id): int(np.count_nonzero(node_ids == node_id, axis=(1, 2)).argmax())
        for node_id in np.unique(node_ids[node_ids > 0])
    }


def _window(voxels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Return grey values that show the darkest 0.5 % as black and the brightest 0.5 % as white."""
    low, high = np.percentile(voxels, (0.5, 99.5))
    grey: npt.NDArray[np.uint8] = (np.clip((voxels - low) / max(high - low, 1.0), 0, 1) * 255).astype(np.uint8)
    return grey


def _pane(
    grey: npt.NDArray[np.uint8],
    image: Volume,
    labels: npt.NDArray[np.uint8] | None,
    node_ids: npt.NDArray[np.uint8] | None,
    index: int,
    pane_px: int,
) -> Image.Image:
    height_px = round(pane_px * image.shape[1] * image.spacing_mm[1] / (image.shape[2] * image.spacing_mm[2]))
    pane = Image.fromarray(grey[index]).resize((pane_px, height_px), Image.Resampling.BICUBIC).convert("RGB")
    if labels is not None:
        pane = _with_outlines(pane, labels[index])
    draw = ImageDraw.Draw(pane)
    draw.text((6, height_px // 2), "R", fill=_WHITE, font=_font(22), stroke_width=2, stroke_fill=(0, 0, 0))
    draw.text((pane_px - 22, height_px // 2), "L", fill=_WHITE, font=_font(22), stroke_width=2, stroke_fill=(0, 0, 0))
    draw.text(
        (6, 4),
        _caption(index, image.shape[0], node_ids),
        fill=_WHITE,
        font=_font(15),
        stroke_width=1,
        stroke_fill=(0, 0, 0),
    )
    if node_ids is not None:
        _number_nodes(draw, node_ids[index], pane.size)
    return pane


def _caption(index: int, count: int, node_ids: npt.NDArray[np.uint8] | None) -> str:
    """Return which slice a pane shows, and which nodes are outlined on it."""
    shown = [] if node_ids is None else [each for each in np.unique(node_ids[index]) if each]
    nodes = f", {named('node', shown)}" if shown else ""
    return f"slice {index + 1} of {count}{nodes}"


def _with_outlines(pane: Image.Image, labels: npt.NDArray[np.uint8]) -> Image.Image:
    """Return the pane with a one to two pixels wide outline around every label, nodes last."""
    pixels = np.asarray(pane).copy()
    large = np.asarray(Image.fromarray(labels).resize(pane.size, Image.Resampling.NEAREST))
    for label, (_, colour) in COLOURS.items():
        mask = large == label
        if label in (NODE_NEGATIVE, NODE_POSITIVE):
            # Outside the node, so that its signal stays visible.
            edge = ndimage.binary_dilation(mask, iterations=2) & ~mask
        else:
            edge = mask & ~ndimage.binary_erosion(mask)
        pixels[edge] = colour
    return Image.fromarray(pixels)


def _number_nodes(draw: ImageDraw.ImageDraw, node_ids: npt.NDArray[np.uint8], size: tuple[int, int]) -> None:
    """Write every node's number beside it."""
    scale_x, scale_y = size[0] / node_ids.shape[1], size[1] / node_ids.shape[0]
    for node_id in np.unique(node_ids[node_ids > 0]):
        rows, columns = np.nonzero(node_ids == node_id)
        place = (float(columns.max() + 2) * scale_x, float(rows.mean()) * scale_y - 10)
        draw.text(place, str(int(node_id)), fill=_WHITE, font=_font(18), stroke_width=2, stroke_fill=(0, 0, 0))


def _title(case: PhantomCase, largest: Mapping[int, int]) -> str:
    nodes = ", ".join(
        f"{node.id}: {node.side} {node.station.replace('_', ' ')} {node.short_axis_mm:.1f} mm {node.status} "
        f"(slice {largest[node.id] + 1})"
        for node in case.nodes
        if node.id in largest
    )
    return f"seed {case.seed}, from head to feet, slices counted from the feet   {nodes or 'no nodes'}"


def _assemble(panes: Sequence[Image.Image], *, columns: int, title: str) -> Image.Image:
    """Return all panes row by row, with a title above and the legend below."""
    width, height = panes[0].size
    rows = -(-len(panes) // columns)
    sheet_width = columns * (width + _GAP)
    lines = _wrap(title, sheet_width)
    top = _BAR_HEIGHT * len(lines)
    sheet = Image.new("RGB", (sheet_width, top + rows * (height + _GAP) + _BAR_HEIGHT), (24, 24, 24))
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((8, 7 + number * _BAR_HEIGHT), line, fill=_WHITE, font=_font(18))
    for number, pane in enumerate(panes):
        row, column = divmod(number, columns)
        sheet.paste(pane, (column * (width + _GAP), top + row * (height + _GAP)))
    left = 8.0
    for name, colour in COLOURS.values():
        draw.text((left, sheet.height - _BAR_HEIGHT + 7), name, fill=colour, font=_font(18))
        left += draw.textlength(name, font=_font(18)) + 28
    return sheet


def _wrap(text: str, width_px: int) -> list[str]:
    """Return the text in lines that fit the width, broken after commas."""
    lines = [""]
    for part in text.split(", "):
        candidate = f"{lines[-1]}, {part}" if lines[-1] else part
        if _font(18).getlength(candidate) > width_px - 16 and lines[-1]:
            lines.append(part)
        else:
            lines[-1] = candidate
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, which the contact sheet's text needs")
    return font
