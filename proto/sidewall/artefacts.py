"""The files that an answer carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol


@dataclass(frozen=True)
class Artefact:
    """One file of the result."""

    name: str
    """Path below the case's folder, with forward slashes."""

    media_type: str
    data: bytes = field(repr=False)


class NamedFile(Protocol):
    """Anything that is a file of a result."""

    @property
    def name(self) -> str:
        """Path below the case's folder, with forward slashes."""
        ...

    @property
    def data(self) -> bytes:
        """Content."""
        ...


def check_names(artefacts: Iterable[NamedFile]) -> None:
    """Raise `ValueError` when the name of an artefact would lead out of the folder it is written to."""
    for artefact in artefacts:
        name = PurePosixPath(artefact.name)
        if name.is_absolute() or ".." in name.parts:
            raise ValueError(f"artefact name {artefact.name!r} leads out of the folder")
