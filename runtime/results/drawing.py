"""Square views of one slice with tints, contours and calipers."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import contourpy
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from sidewall.vocabulary import Colour

from core.findings import PointLpsMm
from core.volume import Volume

WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)

_SUPERSAMPLING: Final = 2
_HALF_TICK_PX: Final = 5.0

Point = tuple[float, float]
"""Position in a view, in pixels right and down of its corner."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Stroke:
    points: Points
    """(n, 2): x, y in pixels of the view."""

    colour: Colour
    width_px: int


@dataclass(frozen=True)
class View:
    """A square window onto one axial slice of a canonical volume; patient right is on the left of the picture."""

    slice_index: int
    left_mm: float
    """Left edge, measured along x from the centre of the first voxel."""

    top_mm: float
    """Upper edge, measured along y from the centre of the first voxel."""

    extent_mm: float
    """Edge length in the patient."""

    size_px: int
    """Edge length in the picture."""

    @property
    def mm_per_px(self) -> float:
        """Patient length of one pixel."""
        return self.extent_mm / self.size_px

    def resample(
        self,
        plane: npt.NDArray[np.uint8],
        spacing_mm: tuple[float, float],
        how: Image.Resampling = Image.Resampling.BICUBIC,
    ) -> Image.Image:
        """Return a slice (y, x) of a volume with in-plane spacing (y, x) as it appears in the view, black outside."""
        step_y, step_x = (self.mm_per_px / spacing for spacing in spacing_mm)
        corner_y, corner_x = self.top_mm / spacing_mm[0] + 0.5, self.left_mm / spacing_mm[1] + 0.5
        return Image.fromarray(plane).transform(
            (self.size_px, self.size_px),
            Image.Transform.AFFINE,
            (step_x, 0.0, corner_x, 0.0, step_y, corner_y),
            resample=how,
        )

    def project(self, volume: Volume, position_lps_mm: PointLpsMm) -> Point:
        """Return where a patient position falls, looking along the slice normal."""
        _, y, x = volume.lps_mm_to_index(position_lps_mm)
        x_px = (float(x) * volume.spacing_mm[2] - self.left_mm) / self.mm_per_px
        y_px = (float(y) * volume.spacing_mm[1] - self.top_mm) / self.mm_per_px
        return x_px, y_px


def whole_slice(volume: Volume, slice_index: int, size_px: int) -> View:
    """Return the view that shows a whole slice, centred."""
    height, width = volume.shape[1] * volume.spacing_mm[1], volume.shape[2] * volume.spacing_mm[2]
    extent = max(height, width)
    left = (width - volume.spacing_mm[2] - extent) / 2
    top = (height - volume.spacing_mm[1] - extent) / 2
    return View(slice_index, left, top, extent, size_px)


def close_up(volume: Volume, centre_lps_mm: PointLpsMm, slice_index: int, extent_mm: float, size_px: int) -> View:
    """Return the view of that extent centred on a patient position."""
    _, y, x = volume.lps_mm_to_index(centre_lps_mm)
    left = float(x) * volume.spacing_mm[2] - extent_mm / 2
    top = float(y) * volume.spacing_mm[1] - extent_mm / 2
    return View(slice_index, left, top, extent_mm, size_px)


class Canvas:
    """One view being drawn: greys and tints at once, lines at the end and twice as large, so that they are smooth."""

    def __init__(self, view: View, volume: Volume, grey: tuple[float, float]) -> None:
        """Draw the slice, with intensities from `grey[0]` (black) to `grey[1]` (white)."""
        self.view = view
        self._spacing_mm = volume.spacing_mm[1:]
        self._strokes: list[_Stroke] = []
        low, high = grey
        plane = (volume.voxels[view.slice_index].astype(np.float32) - low) * (255.0 / (high - low))
        self._image = view.resample(np.clip(plane, 0, 255).astype(np.uint8), self._spacing_mm).convert("RGB")

    def tint(self, mask: npt.NDArray[np.bool_], colour: Colour, opacity: float) -> None:
        """Lay a translucent colour (opacity 0..1) over a mask (y, x) and draw its border finely."""
        if not mask.any():
            return
        soft = self._soft_mask(mask)
        strength = soft.point([round(value * opacity) for value in range(256)])
        self._image.paste(Image.new("RGB", self._image.size, colour), mask=strength)
        self._outline(soft, colour, 1)

    def contour(self, mask: npt.NDArray[np.bool_], colour: Colour, width_px: int = 2) -> None:
        """Draw the border of a mask (y, x)."""
        if mask.any():
            self._outline(self._soft_mask(mask), colour, width_px)

    def caliper(self, ends: tuple[Point, Point], colour: Colour, width_px: int = 2) -> None:
        """Draw a measured distance with a tick across each end, on a dark rim."""
        first, second = np.asarray(ends[0]), np.asarray(ends[1])
        along = second - first
        half_tick = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9) * _HALF_TICK_PX
        lines = [np.stack([first, second])] + [np.stack([end - half_tick, end + half_tick]) for end in (first, second)]
        for rim, line_colour in ((1, BLACK), (0, colour)):
            self._strokes += [_Stroke(points, line_colour, width_px + rim) for points in lines]

    def line(self, first: Point, second: Point, colour: Colour, width_px: int = 2) -> None:
        """Draw a straight line."""
        self._strokes.append(_Stroke(np.array([first, second]), colour, width_px))

    def frame(self, other: View, colour: Colour) -> None:
        """Draw the outline of another view of the same slice."""
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]) * other.extent_mm
        offset = (other.left_mm - self.view.left_mm, other.top_mm - self.view.top_mm)
        self._strokes.append(_Stroke((corners + offset) / self.view.mm_per_px, colour, 1))

    def finish(self) -> Image.Image:
        """Return the picture with its lines."""
        large = self._image.resize([n * _SUPERSAMPLING for n in self._image.size], Image.Resampling.NEAREST)
        draw = ImageDraw.Draw(large)
        for stroke in self._strokes:
            points = [(float(x), float(y)) for x, y in stroke.points * _SUPERSAMPLING]
            draw.line(points, fill=stroke.colour, width=stroke.width_px * _SUPERSAMPLING, joint="curve")
        return large.reduce(_SUPERSAMPLING)

    def _soft_mask(self, mask: npt.NDArray[np.bool_]) -> Image.Image:
        """Return a mask (y, x) of the slice as an opacity with smooth edges."""
        return self.view.resample(mask.astype(np.uint8) * np.uint8(255), self._spacing_mm, Image.Resampling.BILINEAR)

    def _outline(self, soft: Image.Image, colour: Colour, width_px: int) -> None:
        values = np.pad(np.asarray(soft, dtype=np.float32), 1)
        # A padded pixel's centre lies half a pixel before its index.
        lines = contourpy.contour_generator(z=values).lines(127.5)
        self._strokes += [_Stroke(np.asarray(line, dtype=np.float64) - 0.5, colour, width_px) for line in lines]


def write(image: Image.Image, at: Point, text: str, colour: Colour, size_px: int, anchor: str = "la") -> None:
    """Write text with a dark rim, so that it can be read on any picture; `anchor` as in Pillow."""
    ImageDraw.Draw(image).text(
        at, text, fill=colour, font=_font(size_px), anchor=anchor, stroke_width=2, stroke_fill=BLACK
    )


def tag(image: Image.Image, at: Point, text: str, colour: Colour, size_px: int, anchor: str = "la") -> None:
    """Write text on a dark ground of its own, where a bright picture lies behind it; `anchor` as in Pillow."""
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = draw.textbbox(at, text, font=_font(size_px), anchor=anchor)
    draw.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill=BLACK)
    draw.text(at, text, fill=colour, font=_font(size_px), anchor=anchor)


def text_size(text: str, size_px: int) -> tuple[float, float]:
    """Return width and height in pixels of a line of text with its rim."""
    left, top, right, bottom = ImageDraw.Draw(Image.new("1", (1, 1))).textbbox(
        (0, 0), text, font=_font(size_px), anchor="la", stroke_width=2
    )
    return float(right - min(left, 0)), float(bottom - min(top, 0))


def text_width(text: str, size_px: int) -> float:
    """Return how many pixels wide a line of text is."""
    return float(_font(size_px).getlength(text))


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font; loading it anew for every text takes longer than drawing."""
    return ImageFont.load_default(size_px)
