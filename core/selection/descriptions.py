"""What free text says where tags cannot decide: it breaks ties and nothing else."""

import re
from typing import Final

from core.reading.kinds import described_as

_WORD: Final = re.compile(r"[A-Z0-9]+")

_SPEAKS_FOR: Final = (
    frozenset({"T2", "T2W", "T2WI"}),
    frozenset({"TRA", "TRANS", "TRANSVERSAL", "AX", "AXIAL", "TRANSAXIAL"}),
    frozenset({"RECTUM", "RECTAL", "REKTUM", "PELVIS", "PELVIC", "BECKEN", "BASSIN", "PELVI", "RETTO", "RECTO"}),
)
_SPEAKS_AGAINST: Final = (
    frozenset({"SAG", "SAGITTAL", "COR", "CORONAL"}),
    frozenset({"LOC", "LOCALIZER", "LOCALISER", "SCOUT", "SURVEY", "TEST"}),
    frozenset({"MOTION", "ABORTED", "REJECTED", "BAD", "ARTEFACT", "ARTIFACT"}),
)


def preference(description: str) -> int:
    """Return how much a description speaks for an axial T2 series of the pelvis: kinds of words for less against.

    What makes it no plain T2 is told by the table that reading warns by.
    """
    words = frozenset(_WORD.findall(description.upper()))
    return (
        sum(bool(words & kind) for kind in _SPEAKS_FOR)
        - sum(bool(words & kind) for kind in _SPEAKS_AGAINST)
        - bool(described_as(description))
    )
