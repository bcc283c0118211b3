"""Follow-up of a cohort: the time each patient was observed, and what ended it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.survival.errors import InvalidFollowup

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Followup:
    """Right-censored follow-up, one row per patient.

    Raises InvalidFollowup for shapes that differ, times that are missing, infinite or negative, and events that are
    not whole numbers of at least 0.
    """

    time: FloatArray
    """Shape (n,), observed time in `unit`, finite and not negative."""

    event: IntArray
    """Shape (n,): 0 censored, 1 the event of interest, 2 and above competing causes."""

    unit: str = "months"
    """Unit of every time that is computed from this, for labels alone."""

    landmark: float = 0.0
    """When the clock of `time` starts, in `unit` after the start of follow-up; above 0 in a landmark analysis."""

    def __post_init__(self) -> None:
        time = np.asarray(self.time, dtype=np.float64)
        event = _whole_numbers(self.event)
        if time.ndim != 1 or time.shape != event.shape:
            raise InvalidFollowup(f"time and event need one value per patient each, got {time.shape} and {event.shape}")
        if not np.isfinite(time).all():
            raise InvalidFollowup(f"{int((~np.isfinite(time)).sum())} follow-up times are missing or infinite")
        if (time < 0).any():
            raise InvalidFollowup(f"{int((time < 0).sum())} follow-up times are negative; allowed is 0 and above")
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "event", event)

    def __len__(self) -> int:
        return len(self.time)

    @property
    def n_events(self) -> int:
        """Patients who had the event of interest."""
        return int((self.event == 1).sum())

    @property
    def competing(self) -> bool:
        """Whether anybody had another event than that of interest."""
        return bool((self.event > 1).any())

    @property
    def causes(self) -> tuple[int, ...]:
        """Every cause that happened, in order."""
        return tuple(int(cause) for cause in np.unique(self.event[self.event > 0]))

    def take(self, rows: npt.NDArray[Any]) -> "Followup":
        """Return the follow-up of the given rows (positions or a mask)."""
        return replace(self, time=self.time[rows], event=self.event[rows])

    def of_cause(self, cause: int) -> "Followup":
        """Return the follow-up in which only `cause` is the event and every other cause censors."""
        return replace(self, event=(self.event == cause).astype(np.int64))

    def of_any_cause(self) -> "Followup":
        """Return the follow-up in which every cause is the event."""
        return replace(self, event=(self.event > 0).astype(np.int64))

    def of_subdistribution(self, cause: int = 1) -> "Followup":
        """Return the follow-up in which whoever had another cause than `cause` is observed beyond everybody else.

        Such a patient never has the event, as the subdistribution of Fine & Gray (1999) counts it.
        """
        other = (self.event > 0) & (self.event != cause)
        beyond = float(self.time.max(initial=0.0)) + 1.0
        return replace(self, time=np.where(other, beyond, self.time), event=(self.event == cause).astype(np.int64))

    def of_censoring(self) -> "Followup":
        """Return the follow-up in which censoring is the event and every event censors (reverse Kaplan-Meier)."""
        return replace(self, event=(self.event == 0).astype(np.int64))


@dataclass(frozen=True)
class Groups:
    """Which of several named groups each patient belongs to."""

    code: IntArray
    """Shape (n,), index into `labels`."""

    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.code)

    def __iter__(self) -> Iterator[tuple[str, BoolArray]]:
        for index, label in enumerate(self.labels):
            yield label, self.code == index

    def take(self, rows: npt.NDArray[Any]) -> "Groups":
        """Return the groups of the given rows, with the same labels even where one is now empty."""
        return Groups(self.code[rows], self.labels)

    def without_empty(self) -> "Groups":
        """Return the same groups without those that hold nobody."""
        kept, code = np.unique(self.code, return_inverse=True)
        return Groups(code.astype(np.int64), tuple(self.labels[index] for index in kept))


def group_by(values: npt.ArrayLike, order: tuple[str, ...] | None = None) -> Groups:
    """Return the groups that equal values form, in sorted order or in the given one.

    Raises InvalidFollowup where a value is missing, or not in `order`.
    """
    array = np.asarray(values)
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise InvalidFollowup(f"{int(np.isnan(array).sum())} patients have no group; leave them out first")
    found, code = np.unique(array, return_inverse=True)
    labels = tuple(_label(value) for value in found)
    if order is None:
        return Groups(code.astype(np.int64), labels)
    if foreign := sorted(set(labels) - set(order)):
        raise InvalidFollowup(f"groups {', '.join(foreign)} are not among {', '.join(order)}")
    position = np.array([order.index(label) for label in labels], dtype=np.int64)
    return Groups(position[code] if len(code) else code.astype(np.int64), tuple(order))


def one_group(n: int, label: str = "all") -> Groups:
    """Return everybody in one group."""
    return Groups(np.zeros(n, dtype=np.int64), (label,))


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _whole_numbers(event: npt.ArrayLike) -> IntArray:
    values = np.asarray(event)
    if values.dtype.kind not in "biuf":
        raise InvalidFollowup(
            f"events have to be whole numbers (0 censored, 1 event), got values of type {values.dtype}"
        )
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.round(values))).all():
        raise InvalidFollowup("events have to be whole numbers (0 censored, 1 event); some are missing or fractions")
    if (values < 0).any() if values.dtype.kind != "b" else False:
        raise InvalidFollowup(
            "events have to be 0 (censored), 1 (event) or a competing cause from 2 on; some are negative"
        )
    return values.astype(np.int64)
