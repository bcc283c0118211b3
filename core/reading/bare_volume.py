"""Check voxels that come with their geometry instead of as DICOM."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.counting import counted
from core.errors import CaseRefused, RefusalCode
from core.reading.geometry import tilt_deg
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.notes import Notes
from core.volume import Volume, canonicalise

_NUMERIC_KINDS: Final = frozenset("iuf")


def validate_volume(volume: Volume, limits: ReadingLimits = DEFAULT_LIMITS) -> Volume:
    """Return a volume in any orientation with its voxels as float32, if it can be analysed.

    Raises `CaseRefused` with every reason: `invalid_volume` (voxel type, values or geometry that are not finite, one
    value only), `too_few_slices`, `too_coarse`, `too_large` and `not_axial` (seen in canonical orientation).
    """
    notes = Notes()
    if volume.voxels.dtype.kind not in _NUMERIC_KINDS:
        notes.refuse(
            RefusalCode.INVALID_VOLUME, f"the voxels are {volume.voxels.dtype}; allowed: integer or floating point"
        )
    elif volume.voxels.size > limits.max_voxels:
        notes.refuse(RefusalCode.TOO_LARGE, f"{volume.voxels.size} voxels; allowed: at most {limits.max_voxels}")
    else:
        _check_values(volume.voxels, notes)
    if np.all(np.isfinite(volume.direction)) and np.all(np.isfinite(volume.origin_lps_mm)):
        _check_grid(volume, limits, notes)
    else:
        notes.refuse(RefusalCode.INVALID_VOLUME, "origin or direction are not finite; allowed: finite numbers in mm")
    if notes.reasons:
        raise CaseRefused(notes.reasons)
    return volume.with_voxels(volume.voxels.astype(np.float32, copy=False))


def _check_values(voxels: npt.NDArray[Any], notes: Notes) -> None:
    if voxels.size == 0:
        notes.refuse(
            RefusalCode.INVALID_VOLUME, f"the volume has shape {voxels.shape}; allowed: at least one voxel per axis"
        )
        return
    lowest, highest = float(voxels.min()), float(voxels.max())
    if not max(abs(lowest), abs(highest)) <= float(np.finfo(np.float32).max):  # not finite, too, when there is a NaN
        notes.refuse(RefusalCode.INVALID_VOLUME, "some voxels are not finite as float32; allowed: finite values")
    elif lowest == highest:
        notes.refuse(RefusalCode.INVALID_VOLUME, "all voxels have the same value; allowed: an image")


def _check_grid(volume: Volume, limits: ReadingLimits, notes: Notes) -> None:
    canonical, _ = canonicalise(volume)
    slices, slice_spacing, in_plane = canonical.shape[0], canonical.spacing_mm[0], max(canonical.spacing_mm[1:])
    if slices < limits.min_slices:
        notes.refuse(RefusalCode.TOO_FEW_SLICES, f"{counted(slices, 'slice')}; allowed: at least {limits.min_slices}")
    if in_plane > limits.max_in_plane_spacing_mm:
        notes.refuse(
            RefusalCode.TOO_COARSE,
            f"spacing in the axial plane is {in_plane:.3g} mm; allowed: at most {limits.max_in_plane_spacing_mm:g} mm",
        )
    if slice_spacing > limits.max_slice_spacing_mm:
        notes.refuse(
            RefusalCode.TOO_COARSE,
            f"slices are {slice_spacing:.3g} mm apart; allowed: at most {limits.max_slice_spacing_mm:g} mm",
        )
    tilt = tilt_deg(canonical.direction[:, 0])
    if tilt > limits.max_tilt_deg:
        notes.refuse(
            RefusalCode.NOT_AXIAL,
            f"the slices are tilted {tilt:.0f} degrees from axial; allowed: at most {limits.max_tilt_deg:g} degrees",
        )
