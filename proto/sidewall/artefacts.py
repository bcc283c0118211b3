"""The files that an answer carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Artefact:
    """One file of the result."""

    name: str
    """Path below the case's folder, with forward slashes."""

    media_type: str
    data: bytes = field(repr=False)


def save_artefacts(artefacts: Iterable[Artefact], folder: Path) -> None:
    """Write every artefact below `folder`; raises `ValueError` when a name would lead out of it."""
    for artefact in artefacts:
        name = PurePosixPath(artefact.name)
        if name.is_absolute() or ".." in name.parts:
            raise ValueError(f"artefact name {artefact.name!r} leads out of the folder")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artefact.data)
