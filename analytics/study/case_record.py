"""What one case's findings say, as far as a study asks; read from findings.json or from a DICOM SR."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeRecord:
    """One node of a case."""

    status: str
    side: str
    station: str | None
    short_axis_mm: float
    probability: float | None = None
    centre_lps_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class CaseRecord:
    """What the findings of one case say, as far as a study asks."""

    case: str
    """Name of the case, or the patient's identifier in a DICOM SR."""

    status: str
    probability: float | None
    nodes: tuple[NodeRecord, ...]
    not_assessed: tuple[tuple[str, str], ...] = ()
    """Side and station of what could not be seen."""

    @property
    def leading_node(self) -> NodeRecord | None:
        """The node that the patient's region and size are told by: the largest positive one, else the largest."""
        ranked = sorted(self.nodes, key=lambda node: (node.status == "positive", node.short_axis_mm))
        return ranked[-1] if ranked else None
