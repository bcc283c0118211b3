"""Areas without any signal inside the body: pixels of one value where tissue, gas or metal would leave noise.

Air, gas in the bowel and the void around a hip prosthesis are dark as well, and some scanners set what is dark to
zero. Theirs have the outlines of nature: curved, and changing from slice to slice. What a fault left has straight
edges, the same outline in several slices, or comes and goes from one slice to the next.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import cc3d
import numpy as np
import numpy.typing as npt

from core.judging.straight_edges import between_edges, beyond_edges
from core.volume import Volume

_RUN_MM: Final = 8.0
_RUN_PIXELS: Final = 8
"""Pixels of one value in a row, at least so many and so long, are flat: noise of any strength breaks them up."""

_DARK_SHARE: Final = 0.08
"""Of the image's 95th percentile: darker is called dark, as air and its noise are."""

_LEAST_CM2: Final = 1.0
_BRIGHT_CM2: Final = 5.0
"""A bright flat area of this size is no tissue that a coil drives to the top of the range."""

_ABRUPT_CM2: Final = 4.0
"""A bubble of this size (22 mm wide) is seen in the slice before or after, too."""

_LARGEST_CM2: Final = 40.0
"""Larger than the void of a prosthesis."""

_FLATTENED_SHARES: Final = (0.0, 0.25, 0.5, 1.0)
"""Of the strongest signal that a void may have: a void of weaker noise keeps its edges at a lower level."""

_ABRUPT_SHARE: Final = 0.2
_SAME_SHARE: Final = 0.995
_ENCLOSED_SHARE: Final = 0.6

BoolArray = npt.NDArray[np.bool_]
FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Area:
    """One flat area of a slice."""

    slice_index: int
    box: tuple[slice, slice]
    """Rows and columns, one pixel wider than the area where the image allows."""

    mask: BoolArray
    """Inside the box."""

    value: float
    enclosed: bool
    """Whether tissue lies around it."""


@dataclass(frozen=True, eq=False)
class DeadZones:
    """Where (z, y, x) a canonical image has no signal though there should be some; a voxel may be both."""

    inside: BoolArray
    """Inside the body, with outlines that are neither gas nor metal."""

    beyond: BoolArray
    """Between a long straight edge of the body and the border of the image."""


def find_dead_zones(volume: Volume, void_signal: float, without: Collection[int] = ()) -> DeadZones:
    """Return where a canonical image has no signal though it is no gas, no metal and no air.

    Noise fills a void as it fills the air: the image is looked at as it is, and with all below a share of its 95th
    percentile made one value, in steps up to `void_signal`. Slices in `without` are not looked at: they are known to be
    no image.
    """
    voxels = np.ascontiguousarray(volume.voxels, dtype=np.float32)
    bright = float(np.percentile(voxels[:, ::4, ::4], 95))
    inside, beyond = np.zeros(voxels.shape, dtype=np.bool_), np.zeros(voxels.shape, dtype=np.bool_)
    for share in _FLATTENED_SHARES:
        level = share * void_signal * bright
        flattened = np.where(voxels < level, np.float32(0), voxels) if level > 0 else voxels
        _add_zones(flattened, volume.spacing_mm, without, inside, beyond)
    if volume.padding is not None:
        inside &= ~volume.padding
        beyond &= ~volume.padding
    return DeadZones(inside, beyond)


def _add_zones(
    voxels: FloatImage,
    spacing_mm: tuple[float, float, float],
    without: Collection[int],
    inside: BoolArray,
    beyond: BoolArray,
) -> None:
    """Mark what has no signal inside the body, and beyond its straight edges."""
    flat = _flat(voxels, spacing_mm)
    examined = [z for z in range(len(voxels)) if z not in without and flat[z].any()]
    if not examined:
        return
    flat[list(without)] = True
    sample = voxels[:, ::4, ::4][~flat[:, ::4, ::4]]
    dark_below = _DARK_SHARE * float(np.percentile(sample, 95)) if sample.size else 0.0
    tissue = (voxels > dark_below) & ~flat
    pixel_cm2 = spacing_mm[1] * spacing_mm[2] / 100
    for z in examined:
        inside[z] |= between_edges(flat[z], tissue[z], spacing_mm[1:])
        beyond[z] |= beyond_edges(flat[z], tissue[z], spacing_mm[1:])
    between = _between_tissue(flat, tissue)
    for area in _areas(voxels, flat, tissue, examined, _LEAST_CM2 / pixel_cm2):
        place = (area.slice_index, *area.box)
        if _is_dead(area, voxels, dark_below, pixel_cm2):
            inside[place] |= area.mask
        elif area.value <= dark_below and not area.enclosed:
            inside[place] |= _large_parts(area.mask & between[place], _LEAST_CM2 / pixel_cm2)


def _flat(voxels: FloatImage, spacing_mm: tuple[float, float, float]) -> BoolArray:
    """Return the pixels that belong to a run of one value along a row or a column."""
    flat = np.zeros(voxels.shape, dtype=np.bool_)
    for z, plane in enumerate(voxels):
        for image, out, step_mm in ((plane, flat[z], spacing_mm[2]), (plane.T, flat[z].T, spacing_mm[1])):
            length = max(_RUN_PIXELS, round(_RUN_MM / step_mm))
            if image.shape[1] > length:
                out |= _runs(image, length)
    return flat


def _runs(image: FloatImage, length: int) -> BoolArray:
    """Return the pixels of runs of at least `length` equal values along the second axis."""
    same = np.zeros((image.shape[0], image.shape[1] + 1), dtype=np.int8)
    same[:, 1:-1] = image[:, 1:] == image[:, :-1]
    edges = np.diff(same, axis=1, prepend=np.int8(0))
    rows, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1]
    # A run of equal pairs from `first` to `last - 1` covers the pixels `first - 1` to `last - 1`.
    long = last - first + 1 >= length
    steps = np.zeros((image.shape[0], image.shape[1] + 1), dtype=np.int32)
    np.add.at(steps, (rows[long], first[long] - 1), 1)
    np.add.at(steps, (rows[long], last[long]), -1)
    found: BoolArray = np.cumsum(steps, axis=1)[:, :-1] > 0
    return found


def _between_tissue(flat: BoolArray, tissue: BoolArray) -> BoolArray:
    """Return the flat voxels whose next voxels that are not flat, along z on both sides, are tissue."""
    found = flat.copy()
    for order in (range(len(flat)), range(len(flat) - 1, -1, -1)):
        last = np.zeros(flat.shape[1:], dtype=np.bool_)
        for z in order:
            found[z] &= last
            last = np.where(flat[z], last, tissue[z])
    return found


def _areas(
    voxels: FloatImage, flat: BoolArray, tissue: BoolArray, examined: Iterable[int], least_pixels: float
) -> Iterator[_Area]:
    """Yield every connected flat area of one value, in the examined slices, that has at least so many pixels."""
    for z in examined:
        plane = voxels[z]
        # Two pixels are alike when their bits are; nothing has the bits of the background, a number that is none.
        values = np.where(flat[z], (plane + 0).view(np.uint32) + 1, 0).astype(np.uint32)
        components: npt.NDArray[Any] = cc3d.connected_components(values, connectivity=4)
        stats = cc3d.statistics(components)
        for number in range(1, len(stats["voxel_counts"])):
            if stats["voxel_counts"][number] < least_pixels:
                continue
            parts = stats["bounding_boxes"][number][:2]
            inside = all(part.start > 0 and part.stop < size for part, size in zip(parts, plane.shape, strict=True))
            rows, columns = (slice(max(0, part.start - 1), part.stop + 1) for part in parts)
            mask = components[rows, columns] == number
            ring = _grown(mask) & ~mask
            enclosed = inside and float(tissue[z][rows, columns][ring].mean()) >= _ENCLOSED_SHARE
            value = float(plane[rows, columns][mask][0])
            yield _Area(int(z), (rows, columns), mask, value, enclosed)


def _is_dead(area: _Area, voxels: FloatImage, dark_below: float, pixel_cm2: float) -> bool:
    """Return whether a flat area has a value, a size or neighbours that nothing in a body has."""
    size_cm2 = np.count_nonzero(area.mask) * pixel_cm2
    if area.value > dark_below and size_cm2 >= _BRIGHT_CM2:
        return True
    if not area.enclosed:
        return False
    neighbours = [z for z in (area.slice_index - 1, area.slice_index + 1) if 0 <= z < len(voxels)]
    beside = [voxels[(z, *area.box)] for z in neighbours]
    same = [each == area.value for each in beside]
    alike = max(np.count_nonzero(each & area.mask) / np.count_nonzero(each | area.mask) for each in same)
    seen = max(float((each[area.mask] <= max(dark_below, area.value)).mean()) for each in beside)
    abrupt = seen < _ABRUPT_SHARE and size_cm2 >= _ABRUPT_CM2
    return bool(alike >= _SAME_SHARE or abrupt or size_cm2 >= _LARGEST_CM2)


def _large_parts(mask: BoolArray, least_pixels: float) -> BoolArray:
    """Return the connected parts of a mask that are large even without their outer pixels."""
    core = ~_grown(_grown(~mask))
    if not core.any():
        return core
    components: npt.NDArray[Any] = cc3d.connected_components(core.astype(np.uint8), connectivity=4)
    counts = np.bincount(components.ravel())
    counts[0] = 0
    kept: BoolArray = (counts >= least_pixels)[components]
    return _grown(_grown(kept)) & mask


def _grown(mask: BoolArray) -> BoolArray:
    """Return a mask (y, x) with the neighbours of its pixels, over edges and corners."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    wider = wide.copy()
    wider[:, 1:] |= wide[:, :-1]
    wider[:, :-1] |= wide[:, 1:]
    return wider
