"""The expected failures of this tool: each says what was got and what is allowed, and has a code and an exit status."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


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
class InputUnreadable(AnalyticsError):
    """A file or folder cannot be read at all."""

    code: ClassVar[str] = "input_unreadable"

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"


def near_miss(word: str, known: list[str]) -> str:
    """Return `; did you mean X?` where a known word is close to `word`, else an empty text."""
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
