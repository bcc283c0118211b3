"""Whether a mask has gaps along the body, stations in the wrong order, or lies beside what it was drawn along.

All three keep the grid of the image, so that no comparison of headers finds them. Each is a suspicion: whoever has
looked at the case may overrule it in the table of cases.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, NODE_LABELS, OBTURATOR, STATION_LABELS
from core.volume import Volume
from training.intake.faults import Fault, FaultCode
from training.intake.orientation import border_of, near_of, plane_gradient

_MIN_VOXELS: Final = 200
"""Fewer voxels of a station do not tell where it lies."""

_NAMED_SLICES: Final = 8

_FARTHEST_MM: Final = 8.0
"""How far a mask is shifted to look whether it fits better there."""

_MIN_CONTRAST: Final = 1.3
"""Strength of the image's changes along the shifted border, relative to its surroundings, from which it fits."""

_MIN_RATIO: Final = 1.25
"""How many times stronger than along the mask's own border that has to be."""

_LEAST_SHIFT_MM: Final = 2.0
"""A mask this near to its best place lies right: readers differ as much."""

_SIDES: Final = ("right", "left")


def suspect_gaps(image: Volume, labels: Volume) -> Iterator[Fault]:
    """Yield what of a mask (uint8, canonical, on the image's grid) looks forgotten, taken for another, or shifted."""
    yield from missing_slices(labels)
    yield from swapped_stations(labels)
    yield from shifted(image, labels)


def missing_slices(labels: Volume) -> Iterator[Fault]:
    """Yield a fault where a station of a side, or everything, is not drawn on slices between drawn ones."""
    drawn = labels.voxels > 0
    gaps = _gaps(drawn)
    if gaps:
        yield Fault(FaultCode.SLICES_MISSING, f"nothing is drawn on {_slices(gaps)}; {_ALLOWED}")
        return
    found = []
    nodes = np.isin(labels.voxels, NODE_LABELS)
    for value, name in STATION_LABELS.items():
        here = labels.voxels == value
        columns = np.flatnonzero(here.any(axis=(0, 1)))
        if not len(columns):
            continue
        middle = int((columns[0] + columns[-1] + 1) // 2)
        for side, half in zip(_SIDES, (slice(None, middle), slice(middle, None)), strict=True):
            # A node may fill its station on a slice.
            gaps = [z for z in _gaps(here[:, :, half]) if not nodes[z, :, half].any()]
            if gaps:
                found.append(f"{side} {name.replace('_', ' ')} on {_slices(gaps)}")
    if found:
        yield Fault(FaultCode.SLICES_MISSING, f"not drawn between drawn slices: {'; '.join(found)}; {_ALLOWED}")


def swapped_stations(labels: Volume) -> Iterator[Fault]:
    """Yield a fault when the obturator station does not lie between the external iliac one and the internal iliac one.

    From front to back they lie in this order. The two iliac stations taken for each other are found by
    `orientation.stations_out_of_order`.
    """
    depths_mm = {}
    for value in (EXTERNAL_ILIAC, OBTURATOR, INTERNAL_ILIAC):
        rows = np.nonzero(labels.voxels == value)[1]
        if len(rows) < _MIN_VOXELS:
            return
        depths_mm[value] = float(rows.mean()) * labels.spacing_mm[1]
    front, middle, back = (depths_mm[value] for value in (EXTERNAL_ILIAC, OBTURATOR, INTERNAL_ILIAC))
    if front < back and not front < middle < back:
        other = "external" if middle <= front else "internal"
        message = (
            f"the obturator station lies {abs(middle - (front if other == 'external' else back)):.0f} mm beyond the "
            f"{other} iliac one; in the body it lies between both: label table or mask takes one for the other"
        )
        yield Fault(FaultCode.STATIONS_SWAPPED, message)


def shifted(image: Volume, labels: Volume) -> Iterator[Fault]:
    """Yield a fault when the mask's borders fit the image much better some millimetres away in the plane."""
    inside = labels.voxels > 0
    if not inside.any():
        return
    own, best, shift_mm = best_shift(image, inside)
    if np.hypot(*shift_mm) > _LEAST_SHIFT_MM and best >= max(_MIN_CONTRAST, _MIN_RATIO * own):
        y, x = shift_mm
        message = (
            f"moved by {y:.1f} mm to the back and {x:.1f} mm to the left the mask's borders follow changes of the "
            f"image {best:.2f} times as strong as around them, and as it lies {own:.2f} times; it seems to lie beside"
        )
        yield Fault(FaultCode.MASK_SHIFTED, message)


def best_shift(image: Volume, inside: npt.NDArray[np.bool_]) -> tuple[float, float, tuple[float, float]]:
    """Return how well a mask (z, y, x) fits as it lies, how well at best, and the shift (y, x) in mm to there.

    Every other pixel is tried. The fit is that of `orientation.mirrored_contrasts`: about 1 for a border that lies
    anywhere.
    """
    gradient = plane_gradient(image)
    z, y, x = (axis[:: _every(axis)] for axis in np.nonzero(border_of(inside)))
    around = float(gradient[near_of(image, inside)].mean())
    steps = [2 * round(_FARTHEST_MM / mm / 2) for mm in image.spacing_mm[1:]]
    fits = {}
    for along_y in range(-steps[0], steps[0] + 1, 2):
        rows = np.clip(y + along_y, 0, inside.shape[1] - 1)
        for along_x in range(-steps[1], steps[1] + 1, 2):
            columns = np.clip(x + along_x, 0, inside.shape[2] - 1)
            fits[along_y, along_x] = float(gradient[z, rows, columns].mean()) / around if around > 0 else 0.0
    best = max(fits, key=lambda shift: fits[shift])
    return fits[0, 0], fits[best], (best[0] * image.spacing_mm[1], best[1] * image.spacing_mm[2])


def _every(axis: npt.NDArray[np.int64]) -> int:
    """Return the step at which so many pixels are looked at as are enough for a mean."""
    return max(1, len(axis) // _LOOKED_AT)


_LOOKED_AT: Final = 20_000
_ALLOWED: Final = "allowed: every slice between the first and the last, since what is not drawn is learnt as background"


def _gaps(drawn: npt.NDArray[np.bool_]) -> list[int]:
    """Return the slices (from 0, at the feet) between the first and the last drawn one on which nothing is drawn."""
    present = np.asarray(drawn.any(axis=(1, 2)))
    where = np.flatnonzero(present)
    return [] if not len(where) else [int(z) for z in range(where[0], where[-1]) if not present[z]]


def _slices(gaps: list[int]) -> str:
    named = ", ".join(str(z + 1) for z in gaps[:_NAMED_SLICES])
    more = f" and {len(gaps) - _NAMED_SLICES} more" if len(gaps) > _NAMED_SLICES else ""
    return f"slice {named}{more} from the feet"
