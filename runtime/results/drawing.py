"""Square views of one slice with overlays, drawn twice as large and reduced, so that every line is smooth."""

from dataclasses import dataclass
from typing import Final

import contourpy
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from runtime.core.findings import PointLpsMm
from runtime.core.volume import Volume
from runtime.results.palette import Colour

SUPERSAMPLING: Final = 2
WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)

_TINT_OPACITY: Final = 0.22

Point = tuple[float, float]
"""Position in a view, in pixels right and down of its corner."""

Points = npt.NDArray[np.float64]


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
    def drawn_px(self) -> int:
        """Edge length while drawing, before the reduction."""
        return self.size_px * SUPERSAMPLING

    @property
    def mm_per_px(self) -> float:
        """Patient length of one pixel while drawing."""
        return self.extent_mm / self.drawn_px

    def resample(self, plane: npt.NDArray[np.uint8], spacing_mm: tuple[float, float]) -> Image.Image:
        """Return a slice (y, x) of a volume with in-plane spacing (y, x) as it appears in the view, black outside."""
        step_y, step_x = (self.mm_per_px / spacing for spacing in spacing_mm)
        corner_y, corner_x = self.top_mm / spacing_mm[0] + 0.5, self.left_mm / spacing_mm[1] + 0.5
        return Image.fromarray(plane).transform(
            (self.drawn_px, self.drawn_px),
            Image.Transform.AFFINE,
            (step_x, 0.0, corner_x, 0.0, step_y, corner_y),
            resample=Image.Resampling.BICUBIC,
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
    """One view being drawn; coordinates are pixels before the reduction."""

    def __init__(self, view: View, volume: Volume, grey: tuple[float, float]) -> None:
        """Draw the slice, with intensities from `grey[0]` (black) to `grey[1]` (white)."""
        self.view = view
        self._spacing_mm = volume.spacing_mm[1:]
        low, high = grey
        plane = (volume.voxels[view.slice_index].astype(np.float32) - low) * (255.0 / (high - low))
        self._image = view.resample(np.clip(plane, 0, 255).astype(np.uint8), self._spacing_mm).convert("RGB")

    def soft_mask(self, mask: npt.NDArray[np.bool_]) -> Image.Image:
        """Return a mask (y, x) of the slice as an opacity with smooth edges."""
        return self.view.resample(mask.astype(np.uint8) * np.uint8(255), self._spacing_mm)

    def tint(self, mask: npt.NDArray[np.bool_], colour: Colour) -> None:
        """Lay a translucent colour over a mask (y, x) and draw its border finely."""
        if not mask.any():
            return
        soft = self.soft_mask(mask)
        self._image.paste(Image.new("RGB", self._image.size, colour), mask=soft.point(lambda v: int(v * _TINT_OPACITY)))
        self._outline(soft, colour, 1)

    def contour(self, mask: npt.NDArray[np.bool_], colour: Colour, width_px: int = 2) -> None:
        """Draw the border of a mask (y, x)."""
        if mask.any():
            self._outline(self.soft_mask(mask), colour, width_px)

    def line(self, ends: tuple[Point, Point], colour: Colour, width_px: int) -> None:
        """Draw a straight line on a dark rim."""
        draw = ImageDraw.Draw(self._image)
        draw.line(ends, fill=BLACK, width=(width_px + 1) * SUPERSAMPLING)
        draw.line(ends, fill=colour, width=width_px * SUPERSAMPLING)

    def caliper(self, ends: tuple[Point, Point], colour: Colour, width_px: int = 2) -> None:
        """Draw a measured distance with a tick across each end."""
        first, second = np.asarray(ends[0]), np.asarray(ends[1])
        along = second - first
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
        half_tick = across * 5 * SUPERSAMPLING
        self.line(ends, colour, width_px)
        for end in (first, second):
            self.line((_point(end - half_tick), _point(end + half_tick)), colour, width_px)

    def frame(self, other: View, colour: Colour) -> None:
        """Draw the outline of another view of the same slice."""
        left, top = ((other.left_mm - self.view.left_mm), (other.top_mm - self.view.top_mm))
        scale = self.view.mm_per_px
        box = (left / scale, top / scale, (left + other.extent_mm) / scale, (top + other.extent_mm) / scale)
        ImageDraw.Draw(self._image).rectangle(box, outline=colour, width=SUPERSAMPLING)

    def finish(self) -> Image.Image:
        """Return the picture at its final size."""
        return self._image.reduce(SUPERSAMPLING)

    def _outline(self, soft: Image.Image, colour: Colour, width_px: int) -> None:
        values = np.pad(np.asarray(soft, dtype=np.float32), 1)
        draw = ImageDraw.Draw(self._image)
        for line in contourpy.contour_generator(z=values).lines(127.5):
            points = [_point(point) for point in np.asarray(line, dtype=np.float64) - 0.5]
            draw.line(points, fill=colour, width=width_px * SUPERSAMPLING, joint="curve")


def write(image: Image.Image, at: Point, text: str, colour: Colour, size_px: int, anchor: str = "la") -> None:
    """Write text with a dark rim, so that it can be read on any picture; `anchor` as in Pillow."""
    font = ImageFont.load_default(size_px)
    ImageDraw.Draw(image).text(at, text, fill=colour, font=font, anchor=anchor, stroke_width=2, stroke_fill=BLACK)


def _point(values: Points) -> Point:
    return float(values[0]), float(values[1])
