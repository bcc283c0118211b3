"""What a report is made of: tables, named values, pictures, and a section per node."""

from dataclasses import dataclass

from sidewall.vocabulary import NodeStatus

from runtime.report.appearance import Mark
from runtime.report.values import Row


@dataclass(frozen=True)
class Table:
    """A table with one header row; the first cell of a row names the row."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked_column: int | None = None
    """The column whose cells are set off by colour."""

    marks: tuple[Mark, ...] = ()
    """Per row, what the marked cell says."""

    codes: tuple[str, ...] = ()
    """Per row, the word that programs know it by; stands small beside its name."""


@dataclass(frozen=True)
class NodeSection:
    """One node: its picture and everything that was measured."""

    node_id: int
    heading: str
    status: NodeStatus
    picture: bytes | None
    """PNG; None when there is none."""

    picture_text: str
    """What the picture shows, for those who cannot see it."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Picture:
    """A picture of the case beside those of the nodes."""

    data: bytes
    """PNG."""

    caption: str


@dataclass(frozen=True)
class Facts:
    """Named values under one heading."""

    heading: str
    rows: tuple[Row, ...]
