"""Enhanced multi-frame images in several parts (PS3.3, C.7.6.16.2.2.4), and what their frames must add up to."""

from collections.abc import Sequence
from typing import Any, Final

from pydicom.dataset import Dataset

from core.counting import counted
from core.errors import RefusalCode
from core.reading.elements import element_value, items_of
from core.reading.frames import Frame, frame_count
from core.reading.notes import Notes

_SHOWN: Final = 8


def check_parts(instances: Sequence[Dataset], notes: Notes) -> None:
    """Note what is wrong with several images of which one at least has more than one frame.

    The parts of one concatenation belong together, and all of them must be there; any others do not.
    """
    concatenations = {str(element_value(instance, "ConcatenationUID") or "") for instance in instances}
    if len(concatenations) == 1 and "" not in concatenations:
        _check_complete(instances, notes)
    elif len(instances) > 1 and any(frame_count(instance) > 1 for instance in instances):
        notes.refuse(
            RefusalCode.SEVERAL_SERIES,
            f"a multi-frame image beside {counted(len(instances) - 1, 'other image')}; allowed: one multi-frame image, "
            "or the parts of one concatenation",
        )


def _check_complete(instances: Sequence[Dataset], notes: Notes) -> None:
    numbers = sorted(_number(instance, "InConcatenationNumber") for instance in instances)
    totals = {_number(instance, "InConcatenationTotalNumber") for instance in instances} - {0}
    last = max([*numbers, *totals])
    missing = sorted(set(range(1, min(last, len(instances) + _SHOWN) + 1)) - set(numbers))
    if missing or last > len(instances):
        listed = ", ".join(map(str, missing[:_SHOWN]))
        notes.refuse(
            RefusalCode.INCOMPLETE_TRANSFER,
            f"part {listed} of {last} of a concatenation did not come; allowed: every part",
        )
    elif not totals:
        notes.warn(
            f"the parts of a concatenation do not say how many they are: {counted(len(instances), 'part')} came, and "
            "whether more belong to it cannot be told"
        )
    if not missing and last <= len(instances) and not _is_seamless(instances):
        notes.refuse(
            RefusalCode.INCOMPLETE_TRANSFER,
            "the parts of a concatenation do not join: their frames leave a gap or overlap; allowed: every frame once",
        )


def _is_seamless(instances: Sequence[Dataset]) -> bool:
    """Return whether each part begins where the one before ends, as far as they say where they begin."""
    reached = 0
    for instance in sorted(instances, key=lambda part: _number(part, "InConcatenationNumber")):
        offset = element_value(instance, "ConcatenationFrameOffsetNumber")
        if offset is not None and offset != reached:
            return False
        reached += frame_count(instance)
    return True


def _number(instance: Dataset, keyword: str) -> int:
    value: Any = element_value(instance, keyword)
    return value if isinstance(value, int) else 0


def check_frames(instances: Sequence[Dataset], frames: Sequence[Frame], notes: Notes) -> None:
    """Note where an image describes another number of frames than it says, and where frames form several stacks."""
    for instance in instances:
        described = items_of(instance, "PerFrameFunctionalGroupsSequence")
        if described and len(described) != frame_count(instance):
            notes.refuse(
                RefusalCode.UNREADABLE_PIXELS,
                f"an image says that it has {counted(frame_count(instance), 'frame')}, and describes {len(described)}; "
                "allowed: as many",
            )
    stacks = {frame.text("StackID") for frame in frames} - {""}
    if len(stacks) > 1:
        notes.refuse(RefusalCode.SEVERAL_SERIES, f"the frames form {len(stacks)} stacks; allowed: one")
