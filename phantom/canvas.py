"""Painting parts into an image with partial volume: through the slice thickness and across the edge of a pixel."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phantom.anatomy import TISSUES, Part
from phantom.fields import Field
from phantom.grid import ImageGrid, Slices
from phantom.shapes import Array, Box, Column, Tube


@dataclass(eq=False)
class Canvas:
    """Signal and tissue of every voxel, painted part by part."""

    grid: ImageGrid
    signal: Array
    tissues: npt.NDArray[np.uint8]

    @classmethod
    def empty(cls, grid: ImageGrid) -> "Canvas":
        """Return a canvas of air."""
        return cls(grid, np.zeros(grid.shape, dtype=np.float32), np.zeros(grid.shape, dtype=np.uint8))

    def paint(self, part: Part, signal: float) -> None:
        """Paint a part with one signal; the tissue changes where the part fills at least half of a voxel."""
        shape = part.shape
        if isinstance(shape, Tube):
            self._paint_tube(shape, part, signal)
            return
        coarse = isinstance(shape, Column | Field)
        grid = replace(self.grid, subslices=1) if coarse else self.grid
        box = shape.box() if isinstance(shape, Column) else shape.box(1.0)
        where = whole_slices(grid, grow(box, 1.0 + max(-part.inset_mm, 0.0)))
        if where is not None:
            distance = shape.distance_mm(*grid.coordinates(where[1]))
            self.blend(where[0], coverage(grid, distance + np.float32(part.inset_mm)), signal, part.tissue)

    def blend(self, where: Slices, share: Array, signal: float | Array, tissue: str) -> None:
        """Mix a signal into a part of the image by its share (z, y, x) of every voxel."""
        region = self.signal[where]
        region += share * (signal - region)
        self.tissues[where][share >= np.float32(0.5)] = TISSUES[tissue]

    def _paint_tube(self, tube: Tube, part: Part, signal: float) -> None:
        """Paint a tube capsule by capsule into one map of shares, so that joints are not painted twice."""
        frame = whole_slices(self.grid, tube.box(1.0))
        if frame is None:
            return
        (z0, y0, x0) = (part_.start for part_ in frame[0])
        share = np.zeros([part_.stop - part_.start for part_ in frame[0]], dtype=np.float32)
        for start in range(len(tube.points) - 1):
            local = whole_slices(self.grid, tube.segment_box(start, 1.0))
            if local is None:
                continue
            distance = tube.segment(start, *self.grid.coordinates(local[1]))[0] + np.float32(part.inset_mm)
            inside = tuple(slice(p.start - o, p.stop - o) for p, o in zip(local[0], (z0, y0, x0), strict=True))
            np.maximum(share[inside], coverage(self.grid, distance), out=share[inside])
        self.blend(frame[0], share, signal, part.tissue)


def grow(box: Box, margin_mm: float) -> Box:
    """Return a box grown by a margin on all sides."""
    (x0, x1), (y0, y1), (z0, z1) = box
    m = margin_mm
    return (x0 - m, x1 + m), (y0 - m, y1 + m), (z0 - m, z1 + m)


def whole_slices(grid: ImageGrid, box: Box) -> tuple[Slices, Slices] | None:
    """Return a box's part of the image and of its fine grid, with all subslices of each slice; None outside."""
    fine = grid.cover(box)
    if fine is None:
        return None
    n = grid.subslices
    first, last = fine[0].start // n, -(-fine[0].stop // n)
    return (slice(first, last), fine[1], fine[2]), (slice(first * n, last * n), fine[1], fine[2])


def coverage(grid: ImageGrid, distance: Array) -> Array:
    """Return the share (z, y, x) of every voxel inside a surface, from distances on the fine grid."""
    width = np.float32(0.5 * (grid.spacing_mm[1] + grid.spacing_mm[2]))
    share = np.clip(np.float32(0.5) - distance / width, 0, 1)
    if grid.subslices == 1:
        return np.asarray(share, dtype=np.float32)
    n = grid.subslices
    return np.asarray(share.reshape(-1, n, *share.shape[1:]).mean(axis=1, dtype=np.float32))
