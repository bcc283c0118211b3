"""Whether two results of one case are identical, the same within a stated tolerance, or different.

Sums of floating point numbers depend on their order, and that on the number of threads and on the processor: a repeat
elsewhere may differ in the sixth digit, which is not another result.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pydicom

Verdict = Literal["identical", "same within tolerance", "different"]

TOLERANCE: Final = 1e-3
"""Of every number of the findings, in its own unit (mm, shares), or as a share of it where it is larger than 1: a
hundredth of a pixel. Words, numbers of nodes and whether something is there have none.
"""

VOXEL_TOLERANCE: Final = 1e-4
"""Share of the voxels of the segmentation that may differ, as the reference itself may from nnU-Net's predictor."""

_SEGMENTATION: Final = "segmentation.dcm"


@dataclass(frozen=True)
class Difference:
    """One value or file that is not as it was."""

    what: str
    """Path of the field, such as `nodes[0].short_axis_mm`, or name of the file."""

    then: Any
    now: Any

    within_tolerance: bool
    """Whether it is too small to count; of a file, whether it only follows from such."""


def verdict_of(differences: Sequence[Difference]) -> Verdict:
    """Return what the differences of two results come to."""
    if not differences:
        return "identical"
    return "same within tolerance" if all(each.within_tolerance for each in differences) else "different"


def differing_values(then: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Yield the innermost values that differ between two structures of plain JSON types."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*then, *now]):
            yield from differing_values(then.get(name), now.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (before, after) in enumerate(zip(then, now, strict=True)):
            yield from differing_values(before, after, f"{path}[{index}]")
    elif then != now:
        yield Difference(path, then, now, _near(then, now))


def differing_file(name: str, then: bytes | None, now: bytes, values: Sequence[Difference]) -> Difference | None:
    """Return how a file differs from what was kept of it (None: it is absent); None where it does not.

    Where numbers of the findings differ within the tolerance, so do files that show them, and that does not count; the
    segmentation is compared voxel by voxel.
    """
    if then == now:
        return None
    if then is None:
        return Difference(name, "absent", f"{len(now)} bytes", False)
    small = _same_voxels(then, now) if name == _SEGMENTATION else verdict_of(values) == "same within tolerance"
    return Difference(name, f"{len(then)} bytes", f"{len(now)} bytes", small)


def _near(then: Any, now: Any) -> bool:
    numbers = [each for each in (then, now) if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) < 2 or all(isinstance(each, int) for each in numbers):
        return False
    return bool(abs(then - now) <= TOLERANCE * max(1.0, abs(then)))


def _same_voxels(then: bytes, now: bytes) -> bool:
    """Return whether two segmentations differ in few voxels; False where they have other frames, or one is none."""
    try:
        before, after = (_bits(each) for each in (then, now))
    except (ValueError, AttributeError, KeyError, EOFError, pydicom.errors.InvalidDicomError):
        return False
    return before.shape == after.shape and bool(np.mean(before != after) <= VOXEL_TOLERANCE)


def _bits(data: bytes) -> npt.NDArray[np.uint8]:
    pixels: bytes = pydicom.dcmread(BytesIO(data)).PixelData
    return np.unpackbits(np.frombuffer(pixels, np.uint8))
