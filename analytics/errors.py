"""What can go wrong: expected failures with a code and an exit status, figures that the data do not give, and faults.

An unknown error is told by its kind and its place in the code, never with its text, which could hold patient data.
"""

import traceback
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, Final

from base.errors import SystemFailed
from base.system_errors import system_error

_HERE: Final = Path(__file__).parent


class AnalyticsError(Exception):
    """A failure that the user can mend; its text is one line and safe to show."""

    code: ClassVar[str] = "analytics_error"
    exit_status: ClassVar[int] = 2


@dataclass
class FileInvalid(AnalyticsError):
    """A place in a file holds what is not allowed there."""

    code: ClassVar[str] = "file_invalid"

    file: str
    line: int
    """1-based; 0 where the file as a whole is meant."""

    field: str
    """Path of the place, such as `tables[0].n`; empty for the file as a whole."""

    got: str
    allowed: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        name = f"{self.field} is " if self.field else ""
        return f"{place}: {name}{self.got}; allowed: {self.allowed}"


@dataclass
class _PathError(AnalyticsError):
    """Something is wrong with a file or folder as a whole."""

    words: ClassVar[str]
    """What is said of `path` and `reason`."""

    path: str
    reason: str

    def __str__(self) -> str:
        return self.words.format(path=self.path, reason=self.reason)


class InputUnreadable(_PathError):
    """A file or folder cannot be read at all."""

    code = "input_unreadable"
    words = "{path} cannot be read: {reason}"


class FileUnusable(_PathError):
    """The system does not let a file be used, for a reason that is not the system's own fault."""

    code = "file_error"
    words = "{path}: {reason}"


def file_failure(error: OSError, place: str | None = None) -> SystemFailed | FileUnusable:
    """Return our error for one of the operating system's; `place` says where, else the path that the system names."""
    return system_error(error, place) or FileUnusable(place or str(error.filename), str(error.strerror))


class OutputUnwritable(_PathError):
    """A folder cannot be made or written."""

    code = "output_unwritable"
    words = "{path} cannot be written: {reason}; allowed: a folder that can be made or written"


@dataclass
class DataLost(AnalyticsError):
    """A whole column, or the longest follow-up, could not be read: a report would be of other data."""

    code: ClassVar[str] = "data_lost"

    problems: str
    """What was got and what is allowed, by column."""

    def __str__(self) -> str:
        return f"nothing was computed: {self.problems}; `check` shows every column"


@dataclass
class WorkerLost(AnalyticsError):
    """The system ended a process that was at work, as it does where memory runs out."""

    code: ClassVar[str] = "worker_lost"

    jobs: int
    """How many processes there were."""

    def __str__(self) -> str:
        return f"one of {self.jobs} processes was ended by the system, for want of memory perhaps; --jobs 1 needs less"


@dataclass
class InternalFault(AnalyticsError):
    """A mistake of this program, which no input can mend."""

    code: ClassVar[str] = "internal_error"
    exit_status: ClassVar[int] = 4

    what: str
    """What was not done because of it."""

    fault: str
    """As `fault_text` gives it."""

    def __str__(self) -> str:
        return f"{self.what}: {self.fault}; this is a fault of sidewall-analytics, please report it"


class NotEstimable(ValueError):
    """The data, right as they are, do not give a figure; the text says why.

    The one error that a report answers with `not computed`: any other `ValueError` is a mistake in a call.
    """


def fault_text(error: BaseException) -> str:
    """Return kind and place of an unknown error, such as `ValueError in analytics/accuracy/roc.py, line 38`."""
    places = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_HERE)
    ]
    if not places:
        return type(error).__name__
    place = Path(places[-1].filename).relative_to(_HERE.parent).as_posix()
    return f"{type(error).__name__} in {place}, line {places[-1].lineno}"


def near_miss(word: str, known: list[str]) -> str:
    """Return `; did you mean X?` where a known word is close to `word`, else an empty text."""
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
