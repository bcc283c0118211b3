"""Files written one by one, so that an unexpected error costs the file and not the case."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from core.findings import Findings

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class LostFile:
    """A file that could not be written, by a fault of the program."""

    name: str
    """Its name as an artefact, or a pattern for several."""

    error: str
    """Class of the error; its text could hold patient data."""

    where: tuple[str, ...]
    """The stack as file:line:function."""

    @property
    def kind(self) -> str:
        """Return the file's name, or the folder of one of several."""
        return self.name.split("/")[0]


class Attempts:
    """Makes one file after the other, and keeps what went wrong."""

    def __init__(self) -> None:
        self._lost: list[LostFile] = []

    @property
    def lost(self) -> tuple[LostFile, ...]:
        """The files that could not be made so far."""
        return tuple(self._lost)

    def make(self, name: str, maker: Callable[[], _Made]) -> _Made | None:
        """Return what `maker` makes; None, and the file is lost, after any error."""
        try:
            return maker()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other files are worth having
            frames = traceback.extract_tb(error.__traceback__)
            stack = tuple(f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in frames)
            self._lost.append(LostFile(name, type(error).__name__, stack))
            return None

    def told(self, findings: Findings) -> Findings:
        """Return the findings with what is missing so far named, in a field and in a warning."""
        if not self._lost:
            return findings
        names = tuple(lost.name for lost in self._lost)
        warning = f"incomplete: {', '.join(names)} could not be written, by a fault of the program"
        return replace(findings, missing_files=names, warnings=(*findings.warnings, warning))
