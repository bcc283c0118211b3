"""Marks by which a case is known again, and from which nobody can tell whose it is.

They stand in checkpoints, which travel; so case, patient, image and mask are HMACs under a key that never leaves the
work folder.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from training.private_files import private_secret
from training.workspace import Workspace

_KEY_FILE: Final = "lineage_key"


@dataclass(frozen=True)
class CaseMark:
    """One case, in words that only its own work folder can make; equal words mean the same thing."""

    case: str
    patient: str
    image: str
    """Of the image's file."""

    content: str
    """Of image, mask and the grid that both were brought onto."""


@dataclass(frozen=True)
class Marker:
    """Makes the marks of one work folder."""

    key: str

    @property
    def key_id(self) -> str:
        """What tells whether two marks were made with the same key."""
        return self._mark("key")

    def marks(self, snapshot: dict[str, Any], names: Iterable[str]) -> tuple[CaseMark, ...]:
        """Return the marks of cases of a configuration's snapshot, in the order of the names."""
        return tuple(self._case(name, snapshot["cases"][name]) for name in names)

    def _case(self, name: str, about: dict[str, str]) -> CaseMark:
        return CaseMark(
            case=self._mark("case", name),
            patient=self._mark("patient", about["patient"]),
            image=self._mark("image", about["image_sha256"]),
            content=self._mark("content", about["image_sha256"], about["label_sha256"], about["grid_sha256"]),
        )

    def _mark(self, *parts: str) -> str:
        return hmac.new(self.key.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def marker_of(workspace: Workspace) -> Marker:
    """Return what makes the marks of a work folder; its key is drawn on first use."""
    return Marker(private_secret(workspace, _KEY_FILE))


def as_plain(marks: Sequence[CaseMark]) -> list[dict[str, str]]:
    """Return plain values."""
    return [asdict(mark) for mark in marks]


def from_plain(values: Iterable[dict[str, str]]) -> tuple[CaseMark, ...]:
    """Return the marks that `as_plain` was given."""
    return tuple(CaseMark(**value) for value in values)
