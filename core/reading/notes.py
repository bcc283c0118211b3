"""What the stages of reading found: reasons to refuse, and what was tolerated."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Reason, RefusalCode


class Notes:
    """Collects every reason and warning of one input, each once and in order; texts carry no patient data."""

    def __init__(self) -> None:
        self._reasons: dict[Reason, None] = {}
        self._warnings: dict[str, None] = {}

    def refuse(self, code: RefusalCode, message: str, slices: tuple[int, ...] = ()) -> None:
        """Add a reason to refuse; reading goes on, so that the caller learns all of them at once."""
        self._reasons[Reason(code, message, slices)] = None

    def warn(self, message: str) -> None:
        """Add something tolerated."""
        self._warnings[message] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was tolerated."""
        return tuple(self._warnings)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the input is refused; empty if it is not."""
        return tuple(self._reasons)


@contextmanager
def without_library_warnings() -> Iterator[None]:
    """Silence `UserWarning`s of the DICOM libraries: they quote element values, which can be patient data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
