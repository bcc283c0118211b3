"""What is wrong in a study's tables, each with its place, and what became of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import pandas as pd


class Consequence(StrEnum):
    """What was done about a problem."""

    VALUE_MISSING = "value counted as missing"
    ROW_LEFT_OUT = "row left out"
    FILE_LEFT_OUT = "file left out"
    NOTED = "noted"
    READ = "read all the same"
    STOPS = "no report"

    @property
    def loses(self) -> bool:
        """Whether something that somebody wrote takes no part in the analyses."""
        return self not in (Consequence.NOTED, Consequence.READ)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    table: str
    """Name of the file."""

    row: int | None
    """As a spreadsheet counts: the header is row 1; None for the table as a whole."""

    column: str | None
    got: str
    """Never an identifier of a patient."""

    allowed: str
    consequence: Consequence

    def __str__(self) -> str:
        row = f", row {self.row}" if self.row is not None else ""
        column = f", column {self.column}" if self.column is not None else ""
        return f"{self.table}{row}{column}: {self.got}; allowed: {self.allowed} ({self.consequence})"

    def to_json(self) -> dict[str, Any]:
        """Return the fields in plain JSON types."""
        return {
            "table": self.table,
            "row": self.row,
            "column": self.column,
            "got": self.got,
            "allowed": self.allowed,
            "consequence": str(self.consequence),
        }


@dataclass(frozen=True)
class MissingCount:
    """How much of one column is missing among the rows that count."""

    table: str
    column: str
    missing: int
    rows: int
    not_applicable: int = 0
    """Rows without a value that have none to give, which are not missing."""

    lost: int = 0
    """Values that were written and could not be read."""

    found: str = ""
    """What was read: range and median, or levels with their counts."""

    @property
    def wholly_lost(self) -> bool:
        """Whether values were written and not one of them could be read."""
        return self.lost > 0 and self.lost + self.empty >= self.rows

    @property
    def empty(self) -> int:
        """Rows in which nothing was written."""
        return self.missing + self.not_applicable - self.lost

    def without(self, not_applicable: int) -> "MissingCount":
        """Return the count with some of the empty rows counted as having no value to give."""
        return replace(self, missing=self.missing - not_applicable, not_applicable=not_applicable)

    def said_by(self, rater: str) -> "MissingCount":
        """Return the count of the rows of one rater: several may share a table."""
        return replace(self, table=f"{self.table} ({rater})")


@dataclass(frozen=True)
class FlowStep:
    """One box of the flow of patients: how many come in, how many go out and why."""

    name: str
    before: int
    reasons: tuple[tuple[str, int], ...]
    """Why patients are left out here, and how many."""

    @property
    def after(self) -> int:
        """Patients who go on."""
        return self.before - sum(count for _, count in self.reasons)


def problems_at(
    table: str, rows: pd.Series, wrong: pd.Series, column: str, texts: pd.Series, allowed: str, consequence: Consequence
) -> list[Problem]:
    """Return one problem for each row where `wrong` is true; `rows` holds the rows' numbers."""
    return [
        Problem(table, int(row), column, repr(str(text)), allowed, consequence)
        for row, text in zip(rows[wrong], texts[wrong], strict=True)
    ]


@dataclass(frozen=True)
class ProblemKind:
    """Problems of one column, or one table, that are alike."""

    first: Problem
    count: int

    def __str__(self) -> str:
        if self.count == 1:
            return str(self.first)
        column = f", column {self.first.column}" if self.first.column is not None else ""
        row = f", first row {self.first.row}" if self.first.row is not None else ""
        got, allowed = self.first.got, self.first.allowed
        return (
            f"{self.first.table}{column}: {self.count:,} times{row}: {got}; allowed: {allowed} "
            f"({self.first.consequence})"
        )


def kinds_of(problems: Sequence[Problem]) -> list[ProblemKind]:
    """Return problems by table, column, what is allowed and consequence, in the order of the first of each."""
    found: dict[tuple[object, ...], list[Problem]] = {}
    for problem in problems:
        place = (problem.table, problem.column, problem.allowed, problem.consequence)
        found.setdefault(place, []).append(problem)
    return [ProblemKind(alike[0], len(alike)) for alike in found.values()]


def count_by_kind(problems: Sequence[Problem]) -> dict[str, int]:
    """Return how often each consequence came about."""
    return dict(sorted(Counter(str(problem.consequence) for problem in problems).items()))
