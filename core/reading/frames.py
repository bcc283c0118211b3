"""One description for the slices of classic series and the frames of enhanced multi-frame images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from core.reading.elements import PARSE_ERRORS, element_value, items_of

_NO_MACROS: Final = frozenset(
    {"ReferencedImageSequence", "DerivationImageSequence", "ConversionSourceAttributesSequence"}
)
"""Functional groups that speak about other images (PS3.3, C.7.6.16.2)."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice: an instance, or one frame of it."""

    dataset: Dataset
    """The instance it belongs to."""

    frame_index: int | None
    """0-based frame of an image with functional groups; None for a classic single-frame instance."""

    groups: tuple[Dataset, ...]
    """Items of its own functional groups, then of the shared ones (PS3.3, C.7.6.16)."""

    def value(self, keyword: str) -> Any:
        """Return an attribute from the frame's groups, else from the instance; None if absent, empty or malformed."""
        for place in (*self.groups, self.dataset):
            found = element_value(place, keyword)
            if found is not None:
                return found
        return None

    def number(self, keyword: str) -> float | None:
        """Return a finite number (the first, if there are several); None if there is none."""
        values = self.numbers(keyword)
        return values[0] if values else None

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return all values as numbers; empty if any of them is not finite."""
        value = self.value(keyword)
        values = value if isinstance(value, (MultiValue, list, tuple)) else [] if value is None else [value]
        try:
            numbers = tuple(float(item) for item in values)
        except (TypeError, ValueError, OverflowError):
            return ()
        return numbers if all(math.isfinite(number) for number in numbers) else ()

    @property
    def instance_number(self) -> int | None:
        """Number by which people find the instance in its series; None if there is none."""
        number = self.number("InstanceNumber")
        return None if number is None else int(number)

    def words(self, keyword: str) -> tuple[str, ...]:
        """Return all values as upper-case words; empty if absent."""
        value = self.value(keyword)
        values = value if isinstance(value, (MultiValue, list, tuple)) else [] if value is None else [value]
        return tuple(str(item).strip().upper() for item in values)

    def text(self, keyword: str) -> str:
        """Return a value as text; empty if absent."""
        value = self.value(keyword)
        return "" if value is None else str(value).strip()


def frame_count(dataset: Dataset) -> int:
    """Return how many frames an instance says it has; 1 if it does not say, 0 if what it says is no count."""
    value = element_value(dataset, "NumberOfFrames")
    try:
        return 1 if value is None else max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def frames_of(dataset: Dataset) -> list[Frame]:
    """Return the frames of an instance; frames without functional groups share the instance's own attributes."""
    per_frame = items_of(dataset, "PerFrameFunctionalGroupsSequence")
    shared = _group_items(items_of(dataset, "SharedFunctionalGroupsSequence")[:1])
    count = frame_count(dataset)
    if not per_frame and not shared and count == 1:
        return [Frame(dataset, None, ())]
    own = [_group_items([item]) for item in per_frame[:count]]
    own += [()] * (count - len(own))
    return [Frame(dataset, index, (*groups, *shared)) for index, groups in enumerate(own)]


def _group_items(items: list[Dataset]) -> tuple[Dataset, ...]:
    return tuple(macro for item in items for macro in _macros(item))


def _macros(item: Dataset) -> Iterator[Dataset]:
    """Yield the first item of each functional group macro."""
    for tag in list(item.keys()):
        if tag.is_private:
            continue
        try:
            element = item[tag]
        except PARSE_ERRORS:
            continue
        if isinstance(element.value, Sequence) and len(element.value) and element.keyword not in _NO_MACROS:
            yield element.value[0]
