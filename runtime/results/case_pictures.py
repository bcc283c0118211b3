"""Which pictures a case gets of what was doubtful in it: of gates that warned or refused, and of other reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from core.errors import Reason
from core.findings import Findings
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from runtime.results.gate_card import GatePicture
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_pictures import gate_pictures
from runtime.results.refusal_pictures import refusal_pictures


@dataclass(frozen=True, eq=False)
class CaseEvidence:
    """What there is to draw of a case, as far as it got."""

    seen: GateEvidence | None = None
    """The image and what was found in it; None where none could be read."""

    headers: Sequence[Dataset] = ()
    """Of the instances that were read or refused, without pixels."""

    reasons: tuple[Reason, ...] = ()
    """Why the case was refused, with the slices that are meant."""

    limits: ReadingLimits = DEFAULT_LIMITS
    """Those of reading."""


def case_pictures(findings: Findings, evidence: CaseEvidence) -> tuple[GatePicture, ...]:
    """Return a picture for every gate that warned or refused, and for every reason that is no gate's."""
    checked = {gate.code for gate in findings.gates}
    others = [reason for reason in evidence.reasons if str(reason.code) not in checked]
    of_gates = gate_pictures(findings.gates, evidence.seen) if evidence.seen else ()
    return (*of_gates, *refusal_pictures(others, evidence.headers, evidence.limits))
