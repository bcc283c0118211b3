"""What is kept of a case once it was read: enough for folds and data sheet, nothing of the patient."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from core.labels import Side, Station
from training.intake.case_table import SplitName
from training.intake.faults import Fault
from training.splits import NodeStatus, SplitCase


@dataclass(frozen=True)
class NodeRecord:
    """One node as it was drawn."""

    side: Side
    station: Station | None
    short_axis_mm: float
    positive: bool


@dataclass(frozen=True)
class Scanner:
    """Where the images were acquired; `not stated` for what the header leaves out."""

    manufacturer: str
    model: str
    field_strength_t: float | None


@dataclass(frozen=True)
class CaseContent:
    """What image and mask of a case hold."""

    patient: str
    """Pseudonym; only for telling whether two cases are of one patient."""

    node_status: NodeStatus
    shape: tuple[int, int, int]
    """Voxels along (z, y, x), canonical."""

    spacing_mm: tuple[float, float, float]
    """Along (z, y, x)."""

    scanner: Scanner
    nodes: tuple[NodeRecord, ...]
    pixels_sha256: str
    """Of the canonical voxels as float32: the same for the same image under another name."""

    labels_sha256: str
    instance_uids: frozenset[str] = field(repr=False)
    place: Path = field(repr=False)
    """Folder or archive of the series."""


@dataclass(frozen=True)
class CaseRecord:
    """What came of one case."""

    name: str
    hospital: str
    split: SplitName
    mask: Path = field(repr=False)
    content: CaseContent | None = None
    """None where the case was rejected before image and mask were read."""

    reasons: tuple[Fault, ...] = ()
    """Why the case is rejected; empty for an accepted one."""

    warnings: tuple[Fault, ...] = ()
    thumbnail: bytes | None = field(default=None, repr=False)
    """PNG of a case whose image and mask were read and then rejected, for a person to look at."""

    @property
    def accepted(self) -> bool:
        """Whether the case goes into the dataset."""
        return not self.reasons

    def rejected(self, *faults: Fault) -> Self:
        """Return the record with further reasons."""
        return replace(self, reasons=(*self.reasons, *faults))

    def warned(self, *faults: Fault) -> Self:
        """Return the record with further warnings."""
        return replace(self, warnings=(*self.warnings, *faults))

    def as_split_case(self) -> SplitCase:
        """Return what the folds need; raises `ValueError` for a case that was not read."""
        content = self.require_content()
        return SplitCase(self.name, content.patient, self.hospital, content.node_status)

    def require_content(self) -> CaseContent:
        """Return the content; raises `ValueError` for a case that was not read."""
        if self.content is None:
            raise ValueError(f"case {self.name} was rejected before it was read")
        return self.content

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types, without UIDs and paths."""
        about = {"case": self.name, "hospital": self.hospital, "split": self.split}
        said = {"warnings": [fault.to_mapping() for fault in self.warnings]}
        if not self.accepted:
            return about | {"reasons": [fault.to_mapping() for fault in self.reasons]} | said
        content = asdict(self.require_content())
        del content["instance_uids"], content["place"]
        return about | content | said
