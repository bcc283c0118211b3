"""From a foreign label map to our labels on the canonical grid of a series."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import CaseRefused, Reason, RefusalCode
from core.labelmaps.meaning import DEFAULT_MEANINGS, NEUTRAL_NODE, LabelMeanings
from core.labelmaps.reading import ForeignLabels
from core.volume import Volume, canonicalise

_TOLERANCE_VOXELS = 0.1
"""Largest offset between voxel centres; files that round their geometry stay far below."""


def place_label_map(foreign: ForeignLabels, grid: Volume, meanings: LabelMeanings | None = None) -> Volume:
    """Return the labels (uint8, values of `core.labels`) on the canonical grid of a series.

    The map may be stored in any orientation and cover a part of the series (a DICOM SEG leaves empty frames out), but
    its voxels must be the series' voxels: nothing is resampled, since that would move the borders that are measured.
    `meanings` are as for `meanings_of`. Raises `CaseRefused`
    (`label_map_mismatch` on another grid, `unknown_label` on a value without a meaning).
    """
    _refuse_bare_mask(foreign, meanings)
    canonical, _ = canonicalise(foreign.volume)
    box = _box_in(grid, canonical)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[box] = _translate(canonical.voxels, meanings_of(foreign, meanings))
    return grid.with_voxels(labels)


def missing_slices_note(foreign: ForeignLabels, grid: Volume) -> tuple[str, ...]:
    """Return, in words, that a map which lies on the grid of a series has fewer slices; nothing where it has all."""
    slices = canonicalise(foreign.volume)[0].shape[0]
    if slices == grid.shape[0]:
        return ()
    return (f"the label map holds {slices} of the {grid.shape[0]} slices of the series; the others count as empty",)


def meanings_of(foreign: ForeignLabels, given: LabelMeanings | None) -> LabelMeanings:
    """Return what the values of a map stand for: as given, else as the file says, else the study's own."""
    return given or foreign.own_meanings or DEFAULT_MEANINGS


def _refuse_bare_mask(foreign: ForeignLabels, given: LabelMeanings | None) -> None:
    """Raise `CaseRefused` on a map whose one value is 1, of which nobody says what it stands for.

    So are masks of anything written; by the study's values it would be an external iliac station.
    """
    if given or foreign.own_meanings or set(np.unique(foreign.volume.voxels).tolist()) - {0} != {1}:
        return
    message = (
        "the label map holds the one value 1, as any mask does, and does not say what it stands for; allowed: the name "
        f"of it, such as 1={NEUTRAL_NODE} or 1=external_iliac_inguinal (--labels), or a map of several values"
    )
    raise CaseRefused([Reason(RefusalCode.UNKNOWN_LABEL, message)])


def lies_on(grid: Volume, part: Volume) -> bool:
    """Return whether a volume's voxels, in any orientation, are voxels of a canonical grid, or a part of them."""
    return _box_or_none(grid, canonicalise(part)[0]) is not None


def _box_in(grid: Volume, part: Volume) -> tuple[slice, ...]:
    """Return where the part lies in the grid, index by index."""
    box = _box_or_none(grid, part)
    if box is None:
        message = (
            f"the label map's grid ({_describe(part)}) is not that of the series ({_describe(grid)}); allowed: the "
            "same voxels, or a part of them, in any orientation"
        )
        raise CaseRefused([Reason(RefusalCode.LABEL_MAP_MISMATCH, message)])
    return box


def _box_or_none(grid: Volume, part: Volume) -> tuple[slice, ...] | None:
    corners = np.array([(0, 0, 0), [n - 1 for n in part.shape]])
    index = grid.lps_mm_to_index(part.index_to_lps_mm(corners))
    start = np.rint(index[0]).astype(int)
    fits = (
        np.abs(index - (start + corners)).max() <= _TOLERANCE_VOXELS
        and bool((np.abs(grid.direction.T @ part.direction - np.eye(3)) < 1e-2).all())
        and bool((start >= 0).all() and (start + part.shape <= grid.shape).all())
    )
    if not fits:
        return None
    return tuple(slice(int(first), int(first) + n) for first, n in zip(start, part.shape, strict=True))


def _translate(values: npt.NDArray[np.uint16], meanings: LabelMeanings) -> npt.NDArray[np.uint8]:
    found = np.unique(values)
    unknown = [int(value) for value in found if value and int(value) not in meanings]
    if unknown:
        message = (
            f"the label map holds the values {_first(unknown)}, which stand for nothing; known are "
            f"{sorted(value for value in meanings if value)}, and others can be named"
        )
        raise CaseRefused([Reason(RefusalCode.UNKNOWN_LABEL, message)])
    table = np.zeros(int(found.max()) + 1, dtype=np.uint8)
    for value in found:
        table[value] = meanings.get(int(value), 0)
    return table[values]


def _describe(volume: Volume) -> str:
    shape = " x ".join(str(n) for n in volume.shape)
    spacing = " x ".join(f"{value:.3f}" for value in volume.spacing_mm)
    x, y, z = volume.origin_lps_mm
    return f"{shape} voxels of {spacing} mm from ({x:.1f}, {y:.1f}, {z:.1f}) mm"


def _first(values: Sequence[int]) -> str:
    """Return the first ten values: an image taken for a mask has thousands."""
    more = f" and {len(values) - _SHOWN_VALUES} more" if len(values) > _SHOWN_VALUES else ""
    return f"{list(values[:_SHOWN_VALUES])}{more}"


_SHOWN_VALUES: Final = 10
