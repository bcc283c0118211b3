"""Whether a mask lies mirrored on its image: told from anatomy, and from how well its borders follow the image's.

A label map that lost or gained a flip on its way through other programs still has the grid of its image, and no
comparison of headers finds it. Two things do:

- The order of the stations. The external iliac vessels lie in front of the internal iliac ones, and run forwards on
  their way to the groin. A mask turned front to back or head to feet shows the opposite, whatever the image.
- The borders. Masks are drawn along fat, muscle and vessels, where the image changes. If a mirror image of the mask
  follows such changes and the mask itself does not, the mask is probably the mirror image.

What cannot be seen: the pelvis is nearly symmetric. A mask mirrored left to right on an image whose midline lies at the
centre of the field of view fits as well as the true one.
"""

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC
from core.volume import Volume
from training.intake.faults import Fault, FaultCode

_MIN_VOXELS: Final = 200
"""Fewer voxels of a station do not tell its course."""

_MIN_SLICES: Final = 5
_MIN_CORRELATION: Final = 0.5
"""Between height and depth along the external iliac station: 0.76 to 0.96 on phantoms."""

_GRADIENT_MM: Final = 1.0
"""Width of the smoothing in the plane: noise goes, borders of fat and muscle stay."""

_NEAR_MM: Final = 10.0
"""Borders are compared with the surroundings of the mask up to this far."""

_MIN_CONTRAST: Final = 1.3
"""Strength of the image's changes along the mirrored border, relative to its surroundings, from which it fits.

Chosen on 30 phantoms (seeds 1000-1029) with masks drawn exactly, smoothed, shrunk, shifted slice by slice, grown,
coarse, or shifted as a whole by 3.6 pixels. Of the 210 that lay right one was suspected, shifted as a whole. Mirrored
left to right 30, 30, 28, 22, 16, 3 and 0 of 30 were found; no border agrees with an image that it does not follow.
Mirrored front to back or head to feet the stations show all of them. None of this was tried on patients' masks.
"""

_MIN_RATIO: Final = 1.2
"""How many times stronger than along the mask's own border that has to be."""

_CODES: Final = (FaultCode.MIRRORED_HEAD_FEET, FaultCode.MIRRORED_FRONT_BACK, FaultCode.MIRRORED_LEFT_RIGHT)
"""By axis (z, y, x)."""

_IN_PLANE: Final = np.zeros((3, 3, 3), dtype=bool)
_IN_PLANE[1] = ndimage.generate_binary_structure(2, 1)

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


def suspect_mirror(image: Volume, labels: Volume) -> list[Fault]:
    """Return a fault for each axis along which the labels (canonical, on the image's grid) seem mirrored."""
    return stations_out_of_order(labels) or borders_fit_mirrored(image, labels)


def stations_out_of_order(labels: Volume) -> list[Fault]:
    """Return the faults that the course of the stations shows, without looking at the image.

    `labels` uint8 (z, y, x), canonical: z to head, y to posterior. Too small stations show nothing.
    """
    external, internal = (_positions_mm(labels, value) for value in (EXTERNAL_ILIAC, INTERNAL_ILIAC))
    if min(len(external), len(internal)) < _MIN_VOXELS:
        return []
    faults = []
    behind_mm = float(internal[:, 1].mean() - external[:, 1].mean())
    if behind_mm < 0:
        message = (
            f"the internal iliac station lies {-behind_mm:.0f} mm in front of the external iliac one; in the body it "
            "lies behind: the mask is mirrored front to back, or the label table takes one for the other"
        )
        faults.append(Fault(FaultCode.MIRRORED_FRONT_BACK, message))
    if len(np.unique(external[:, 0])) >= _MIN_SLICES:
        course = float(np.corrcoef(external[:, 0], external[:, 1])[0, 1]) * (-1 if behind_mm < 0 else 1)
        if course < -_MIN_CORRELATION:
            message = (
                f"the external iliac station runs backwards on its way down (correlation {course:.2f}); in the body it "
                "runs forwards, to the groin: the mask is mirrored head to feet"
            )
            faults.append(Fault(FaultCode.MIRRORED_HEAD_FEET, message))
    return faults


def borders_fit_mirrored(image: Volume, labels: Volume) -> list[Fault]:
    """Return the faults that the image shows: a mirror image of the mask whose borders it follows much better."""
    inside = labels.voxels > 0
    if not inside.any():
        return []
    contrasts = mirrored_contrasts(image, inside)
    own = contrasts[False, False, False]
    best = max(contrasts, key=lambda flips: contrasts[flips])
    if contrasts[best] < max(_MIN_CONTRAST, _MIN_RATIO * own):
        return []
    message = (
        f"mirrored, the mask's borders follow changes of the image {contrasts[best]:.2f} times as strong as around "
        f"them, and as it lies {own:.2f} times; it seems to be a mirror image"
    )
    return [Fault(code, message) for code, flipped in zip(_CODES, best, strict=True) if flipped]


def mirrored_contrasts(image: Volume, inside: BoolArray) -> dict[tuple[bool, bool, bool], float]:
    """Return, for each way to mirror a mask (z, y, x) about the grid's centre, how well its borders fit the image.

    The fit is the mean in-plane gradient on the pixels to both sides of the border, relative to the mean within
    `_NEAR_MM` of the mask: about 1 for a border that lies anywhere.
    """
    gradient = plane_gradient(image)
    border, near = border_of(inside), near_of(image, inside)
    fits = {}
    for z, y, x in product((False, True), repeat=3):
        seen = gradient[_flips((z, y, x))]
        around = float(seen[near].mean())
        fits[z, y, x] = float(seen[border].mean()) / around if around > 0 else 0.0
    return fits


def border_of(inside: BoolArray) -> BoolArray:
    """Return the pixels (z, y, x) on both sides of a mask's border in the plane of the slices."""
    border = inside & ~ndimage.binary_erosion(inside, _IN_PLANE)
    return np.asarray(border | (ndimage.binary_dilation(inside, _IN_PLANE) & ~inside))


def near_of(image: Volume, inside: BoolArray) -> BoolArray:
    """Return the pixels (z, y, x) within `_NEAR_MM` of a mask in the plane of the slices."""
    steps = max(2, round(_NEAR_MM / image.spacing_mm[1]))
    return np.asarray(ndimage.binary_dilation(inside, _IN_PLANE, iterations=steps))


def plane_gradient(image: Volume) -> FloatArray:
    """Return how strongly an image (z, y, x) changes in the plane of the slices, smoothed, per mm."""
    smooth = ndimage.gaussian_filter(
        image.voxels.astype(np.float32), (0, *(_GRADIENT_MM / spacing for spacing in image.spacing_mm[1:]))
    )
    along_y, along_x = np.gradient(smooth, *image.spacing_mm[1:], axis=(1, 2))
    return np.asarray(np.hypot(along_y, along_x))


def _flips(flipped: Sequence[bool]) -> tuple[slice, ...]:
    return tuple(slice(None, None, -1 if flip else 1) for flip in flipped)


def _positions_mm(labels: Volume, value: int) -> FloatArray:
    return np.asarray(np.argwhere(labels.voxels == value) * np.asarray(labels.spacing_mm))
