"""What a case leaves behind, as named bytes; light to import, unlike what writes it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Artefact:
    """One file of a result."""

    name: str
    """Path relative to the case's folder, with forward slashes."""

    media_type: str
    data: bytes
