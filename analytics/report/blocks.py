"""What a report is made of; every way of writing it takes these and computes nothing."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from analytics.estimate import Estimate, HypothesisTest

Style = Literal["percent", "number", "ratio"]


def identifier(key: str) -> str:
    """Return a key as a name that every file system and page takes; a study calls its raters as it likes.

    What is not ASCII leaves its mark behind the name, so that names in other letters stay apart.
    """
    name = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in key)
    return name if key.isascii() else f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Number:
    """One estimate or test with its place in the report."""

    key: str
    """Unique and stable, such as `accuracy.model.sensitivity`."""

    label: str
    value: Estimate | HypothesisTest
    style: Style = "number"
    """How an estimate is printed; a percentage of a share, a number, or a ratio."""

    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A table of texts with what its numbers rest on."""

    key: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """Methods, n and what a reader must know."""

    of_numbers: bool = False
    """Whether each row is a number with its interval, what it rests on and its method."""


@dataclass(frozen=True)
class Figure:
    """A drawing in two formats, with words for those who cannot see it."""

    key: str
    """Name of its files."""

    title: str
    alternative: str
    """What it shows, in one sentence."""

    svg: bytes
    png: bytes
    """300 dots per inch."""

    width_in: float
    height_in: float
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    fault: str | None = None
    """Kind and place of the program's mistake where the paragraph stands for what was lost to it."""


Block = Table | Figure | Text


@dataclass(frozen=True)
class Section:
    """One part of the report."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    numbers: tuple[Number, ...] = ()
    """Every number behind the blocks, for the machine-readable results."""

    fault: str | None = None
    """Kind and place of the program's mistake that the section was lost to."""


@dataclass(frozen=True)
class ReportDocument:
    """The whole report."""

    title: str
    subtitle: str
    simulated: bool
    sections: tuple[Section, ...]
    versions: dict[str, str]
    inputs: dict[str, str]
    """Name of each input and its sha256."""

    @property
    def banner(self) -> str:
        """What must be read before all else."""
        simulated = "Simulated data: no real patients. " if self.simulated else ""
        return f"{simulated}Research use only: not for decisions about patients."

    @property
    def origin(self) -> str:
        """What made the report."""
        return f"Made by {', '.join(f'{name} {version}' for name, version in self.versions.items())}."

    @property
    def faults(self) -> dict[str, str]:
        """Title of each section or figure that was lost to a mistake of this program, and the mistake."""
        lost = {section.title: section.fault for section in self.sections if section.fault is not None}
        for section in self.sections:
            faults = [block.fault for block in section.blocks if isinstance(block, Text) and block.fault is not None]
            lost |= {f"{section.title}, figure {place}": fault for place, fault in enumerate(faults, 1)}
        return lost
