"""Where the slices lie: positions along the normal, never file order, instance number or stated slice spacing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.counting import counted
from core.errors import RefusalCode
from core.reading.elements import element_value
from core.reading.frames import Frame
from core.reading.limits import ReadingLimits
from core.reading.notes import Notes
from core.volume import FloatArray

COSINE_TOLERANCE: Final = 2e-3
"""Largest deviation of direction cosines from unit length, right angle and each other: of three decimals, a right angle
between axes that lean twice is off by up to 1.7e-3."""

_SPACING_TOLERANCE_MM: Final = 1e-3
DUPLICATE_MM: Final = 0.01
"""Slices nearer than this are at the same place."""

_SIDEWAYS_PIXELS: Final = 0.25
"""Deviation of a slice from the even grid, across the normal, that passes."""

_ALONG_STEPS: Final = 0.02
"""Deviation of a slice from the even grid, along the normal, that passes."""

_WARNED_FACTOR: Final = 2.0
"""Up to this multiple of what passes a deviation is read with a warning; beyond, it is refused."""

GAP_FACTOR: Final = 1.5
"""A step beyond this multiple of the usual one lacks a slice."""

STATED_FACTOR: Final = 1.9
"""Steps beyond this multiple of both stated thickness and stated spacing: every second slice is missing."""

_POSITIONS: Final = frozenset(
    end + side for end in ("HF", "FF", "LF", "RF", "AF", "PF") for side in ("S", "P", "DR", "DL")
)
"""How a patient may lie (PS3.3, C.7.3.1.1.2, and a few more); a word that is none of these says nothing."""


@dataclass(frozen=True, eq=False)
class Plane:
    """Where one slice lies."""

    position_lps_mm: FloatArray
    """(x, y, z) of the centre of its first pixel."""

    row: FloatArray
    """LPS unit vector along a row (index x grows)."""

    column: FloatArray
    """LPS unit vector down a column (index y grows), orthogonal to `row`."""

    spacing_mm: tuple[float, float]
    """Between rows (y), between columns (x)."""

    shape: tuple[int, int]
    """Rows, columns."""

    @property
    def normal(self) -> FloatArray:
        """Slice normal: row x column (PS3.3, C.7.6.2.1.1)."""
        return np.cross(self.row, self.column)


@dataclass(frozen=True, eq=False)
class Stack:
    """Even, parallel slices in the order of their positions along the normal."""

    order: tuple[int, ...]
    """Index of the frame that is slice z."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    """Along (z, y, x)."""

    origin_lps_mm: tuple[float, float, float]
    direction: FloatArray
    """3x3; columns are the LPS unit vectors of (z, y, x)."""


def locate(frames: Sequence[Frame], limits: ReadingLimits, notes: Notes) -> Stack | None:
    """Return the stack the frames form, or None with the reasons noted."""
    planes = [plane_of(frame) for frame in frames]
    found = [plane for plane in planes if plane is not None]
    if len(found) < len(planes):
        missing = len(planes) - len(found)
        notes.refuse(
            RefusalCode.MISSING_GEOMETRY,
            f"no usable position, orientation or pixel spacing in {missing} of {counted(len(planes), 'slice')}; "
            "allowed: all three",
        )
    _check_frame_of_reference(frames, notes)
    if not found or not _are_alike(found, notes):
        return None
    _check_resolution(found[0], limits, notes)
    _check_plane(found[0], limits, notes)
    spacing = _slice_spacing(found, limits, notes)
    if spacing is None or len(found) < len(planes):
        return None
    _check_slice_spacing(spacing, frames, limits, notes)
    return _stack(found, spacing)


def plane_of(frame: Frame) -> Plane | None:
    """Return where a frame says it lies; None when it does not say, or what it says is no plane."""
    position = np.array(frame.numbers("ImagePositionPatient"))
    cosines = np.array(frame.numbers("ImageOrientationPatient"))
    spacing = frame.numbers("PixelSpacing")
    rows, columns = element_value(frame.dataset, "Rows"), element_value(frame.dataset, "Columns")
    if position.shape != (3,) or cosines.shape != (6,) or len(spacing) != 2 or min(spacing) <= 0:
        return None
    if not isinstance(rows, int) or not isinstance(columns, int) or rows < 1 or columns < 1:
        return None
    row, column = cosines[:3], cosines[3:]
    lengths = np.array([np.linalg.norm(row), np.linalg.norm(column)])
    if np.abs(lengths - 1).max() > COSINE_TOLERANCE or abs(row @ column) > COSINE_TOLERANCE:
        return None
    row = row / lengths[0]
    column = column - (row @ column) * row
    return Plane(position, row, column / np.linalg.norm(column), (spacing[0], spacing[1]), (rows, columns))


def _check_frame_of_reference(frames: Sequence[Frame], notes: Notes) -> None:
    uids = {frame.text("FrameOfReferenceUID") for frame in frames}
    if "" in uids:
        notes.refuse(RefusalCode.MISSING_GEOMETRY, "a slice names no frame of reference; allowed: one for all slices")
    if len(uids) > 1:
        notes.refuse(RefusalCode.MIXED_GEOMETRY, f"{len(uids)} frames of reference; allowed: one for all slices")
    lying = {frame.text("PatientPosition").upper() for frame in frames} & _POSITIONS
    if len(lying) > 1:  # turned over in the middle, or coordinates of two examinations
        notes.refuse(RefusalCode.MIXED_GEOMETRY, f"{len(lying)} patient positions; allowed: one for all slices")


def _are_alike(planes: Sequence[Plane], notes: Notes) -> bool:
    first, alike = planes[0], True
    if any(plane.shape != first.shape for plane in planes):
        shapes = sorted({plane.shape for plane in planes})[:3]
        listed = ", ".join(f"{rows}x{columns}" for rows, columns in shapes)
        notes.refuse(RefusalCode.MIXED_GEOMETRY, f"slices of different size ({listed}); allowed: one size")
        alike = False
    if max(np.abs(np.subtract(plane.spacing_mm, first.spacing_mm)).max() for plane in planes) > _SPACING_TOLERANCE_MM:
        notes.refuse(RefusalCode.MIXED_GEOMETRY, "slices of different pixel spacing; allowed: one pixel spacing")
        alike = False
    turn = max(max(np.abs(plane.row - first.row).max(), np.abs(plane.column - first.column).max()) for plane in planes)
    if turn > COSINE_TOLERANCE:
        notes.refuse(RefusalCode.MIXED_GEOMETRY, "slices of different orientation; allowed: parallel slices")
        alike = False
    return alike


def _check_resolution(plane: Plane, limits: ReadingLimits, notes: Notes) -> None:
    coarsest = max(plane.spacing_mm)
    if coarsest > limits.max_in_plane_spacing_mm:
        notes.refuse(
            RefusalCode.TOO_COARSE,
            f"pixel spacing is {coarsest:.3g} mm; allowed: at most {limits.max_in_plane_spacing_mm:g} mm",
        )
    elif coarsest > limits.usual_in_plane_spacing_mm:
        notes.warn(f"pixel spacing is {coarsest:.3g} mm; usual are at most {limits.usual_in_plane_spacing_mm:g} mm")


def _check_plane(plane: Plane, limits: ReadingLimits, notes: Notes) -> None:
    tilt = tilt_deg(plane.normal)
    if tilt > limits.max_tilt_deg:
        notes.refuse(
            RefusalCode.NOT_AXIAL,
            f"the slices are tilted {tilt:.0f} degrees from axial; allowed: at most {limits.max_tilt_deg:g} degrees",
        )
    elif tilt > limits.usual_tilt_deg:
        notes.warn(f"the slices are tilted {tilt:.0f} degrees from axial")


def tilt_deg(normal: FloatArray) -> float:
    """Return the angle between a slice normal (LPS unit vector) and the head-feet axis, 0 to 90 degrees."""
    return float(np.degrees(np.arccos(min(1.0, abs(float(normal[2]))))))


def _slice_spacing(planes: Sequence[Plane], limits: ReadingLimits, notes: Notes) -> float | None:
    """Return the distance between slices along the normal, or None with the reasons noted."""
    needed = max(2, limits.min_slices)
    if len(planes) < needed:
        notes.refuse(RefusalCode.TOO_FEW_SLICES, f"{counted(len(planes), 'slice')}; allowed: at least {needed}")
    positions = np.sort(np.array([plane.position_lps_mm for plane in planes]) @ planes[0].normal)
    steps = np.diff(positions)
    duplicates = int(np.count_nonzero(steps < DUPLICATE_MM))
    if duplicates:
        notes.refuse(
            RefusalCode.DUPLICATE_SLICE,
            f"{counted(duplicates, 'slice')} at the place of another one; allowed: one slice at each position",
        )
    steps = steps[steps >= DUPLICATE_MM]
    if not len(steps):
        return None
    usual = float(np.median(steps))
    has_gap = _check_gaps(steps, usual, notes)
    if duplicates:
        return usual
    spacing = float((positions[-1] - positions[0]) / (len(positions) - 1))
    if not has_gap:
        _check_deviations(_deviations_mm(planes, spacing), planes[0], spacing, notes)
    return spacing


def _deviations_mm(planes: Sequence[Plane], spacing: float) -> FloatArray:
    """Return by how much each slice, in the order of positions, lies off the even grid that fits best: (slice, xyz).

    The normal is that of the first slice, the distance that of the outermost slices.
    """
    normal = planes[0].normal
    places = np.array([plane.position_lps_mm for plane in planes])
    places = places[np.argsort(places @ normal, kind="stable")]
    off = places - places[0] - np.outer(np.arange(len(planes)) * spacing, normal)
    deviations: FloatArray = off - off.mean(axis=0)
    return deviations


def _check_deviations(deviations: FloatArray, plane: Plane, spacing: float, notes: Notes) -> None:
    along = deviations @ plane.normal
    sideways = np.linalg.norm(deviations - np.outer(along, plane.normal), axis=1)
    pixel = min(plane.spacing_mm)
    for what, off_mm, passes_mm, unit in (
        (
            "lie unevenly, a slice up to {:.2f} mm off its even step",
            float(np.abs(along).max()),
            _ALONG_STEPS * spacing,
            f"{_ALONG_STEPS:.0%} of a step",
        ),
        (
            "are shifted sideways against each other, a slice by up to {:.2f} mm",
            float(sideways.max()),
            _SIDEWAYS_PIXELS * pixel,
            f"{_SIDEWAYS_PIXELS:g} of a pixel",
        ),
    ):
        said = f"slices {what.format(off_mm)}"
        if off_mm > _WARNED_FACTOR * passes_mm + _SPACING_TOLERANCE_MM:
            notes.refuse(
                RefusalCode.MIXED_GEOMETRY,
                f"{said}; allowed: at most {_WARNED_FACTOR * passes_mm:.2f} mm, twice {unit}, in a straight stack",
            )
        elif off_mm > passes_mm + _SPACING_TOLERANCE_MM:
            notes.warn(f"{said}; usual are at most {passes_mm:.2f} mm, {unit}")


def _check_gaps(steps: FloatArray, usual: float, notes: Notes) -> bool:
    """Return whether slices are missing between others; it is noted then."""
    gaps = steps[steps > GAP_FACTOR * usual]
    if len(gaps):
        lacking = sum(max(1, round(float(gap) / usual) - 1) for gap in gaps)
        largest = float(gaps.max())
        notes.refuse(
            RefusalCode.MISSING_SLICE,
            f"about {lacking} missing: a step of {largest:.2f} mm where {usual:.2f} mm is usual; allowed: no gap",
        )
    return bool(len(gaps))


def allowed_jitter_mm(usual_mm: float) -> float:
    """Return by how much a step between slices may differ from the usual one: by what both its ends may deviate."""
    return 2 * _WARNED_FACTOR * _ALONG_STEPS * usual_mm


def _check_slice_spacing(spacing: float, frames: Sequence[Frame], limits: ReadingLimits, notes: Notes) -> None:
    if spacing > limits.max_slice_spacing_mm:
        notes.refuse(
            RefusalCode.TOO_COARSE,
            f"slices are {spacing:.3g} mm apart; allowed: at most {limits.max_slice_spacing_mm:g} mm",
        )
    elif spacing > limits.usual_slice_spacing_mm:
        notes.warn(f"slices are {spacing:.3g} mm apart; usual are at most {limits.usual_slice_spacing_mm:g} mm")
    # The larger of both, because some scanners state the gap alone as spacing between slices.
    stated = max(frames[0].number("SliceThickness") or 0.0, frames[0].number("SpacingBetweenSlices") or 0.0)
    if stated > 0 and spacing > STATED_FACTOR * stated:
        notes.refuse(
            RefusalCode.MISSING_SLICE,
            f"slices are {spacing:.3g} mm apart where {stated:.3g} mm is stated; allowed: every slice",
        )


def _stack(planes: Sequence[Plane], spacing: float) -> Stack:
    first = planes[0]
    order = np.argsort(np.array([plane.position_lps_mm for plane in planes]) @ first.normal, kind="stable")
    origin = planes[int(order[0])].position_lps_mm
    # The grid that fits best begins where the first slice lies, less its own deviation.
    # Where slices are missing there is no such grid, and the stack, refused, is only drawn.
    deviation = _deviations_mm(planes, spacing)[0]
    positions = np.sort(np.array([plane.position_lps_mm for plane in planes]) @ first.normal)
    is_whole = np.diff(positions).max(initial=0.0) <= GAP_FACTOR * float(np.median(np.diff(positions)))
    if is_whole and np.abs(deviation).max() > _SPACING_TOLERANCE_MM:
        origin = origin - deviation
    return Stack(
        order=tuple(int(index) for index in order),
        shape=(len(planes), *first.shape),
        spacing_mm=(spacing, *first.spacing_mm),
        origin_lps_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=np.column_stack([first.normal, first.column, first.row]),
    )
