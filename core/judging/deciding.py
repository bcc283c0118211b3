"""From measured nodes to the result of a case, and from reasons to a refusal."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from sidewall.vocabulary import CaseStatus

from core.counting import named
from core.errors import Reason
from core.findings import (
    SCHEMA_VERSION,
    CaseContext,
    CaseIdentity,
    Findings,
    Gate,
    InputDescription,
    ModelDescription,
    Node,
    RefusalReason,
    StationAssessment,
)
from core.measuring.nodes import MeasuredNodes
from core.rules import ScoringRules


@dataclass(frozen=True)
class Circumstances:
    """Whose case it is, what was read, by which model and rules, and when: what findings say besides what was found."""

    software_version: str
    case: CaseIdentity
    context: CaseContext = field(default_factory=CaseContext)

    input: InputDescription | None = None
    """None where nothing could be read."""

    model: ModelDescription | None = None
    """None where a label map was scored."""

    rules: ScoringRules | None = None
    analysed_at: str | None = None
    """ISO 8601 with its zone."""


def decide(
    circumstances: Circumstances,
    measured: MeasuredNodes,
    assessed: tuple[StationAssessment, ...],
    gates: tuple[Gate, ...],
    *,
    warnings: tuple[str, ...],
    demonstration: bool,
    timings_s: Mapping[str, float],
) -> Findings:
    """Return the findings of an analysed case; without a model, as where a label map was scored, without probability.

    `warnings` are those of reading; the nodes' warnings and the messages of gates that warn are added to them.
    """
    missed = missed_parts(measured, assessed)
    probability = max((node.probability or 0.0 for node in measured.nodes), default=0.0)
    return replace(
        _undecided(circumstances, gates, timings_s),
        status=case_status(measured.nodes, assessed, demonstration=demonstration, at_edge=measured.at_edge),
        probability=None if circumstances.model is None else probability,
        assessed=assessed,
        nodes=measured.nodes,
        warnings=_all_warnings(warnings, _of_missed(missed) + measured.warnings, gates),
        incompletely_seen=bool(missed),
    )


def missed_parts(measured: MeasuredNodes, assessed: tuple[StationAssessment, ...]) -> tuple[str, ...]:
    """Return what of the lateral compartments may lie beyond what was seen; with any of it no case is negative."""
    stations = [f"{each.side} {each.station.replace('_', ' ')}" for each in assessed if not each.assessed]
    cut = [str(node.id) for node in measured.nodes if node.cut_by_image]
    parts = [f"not enough of {', '.join(stations)}"] if stations else []
    if not assessed:
        parts = ["no station"]
    if cut:
        parts.append(f"{named('node', cut)} at the edge")
    elif measured.at_edge:
        parts.append("what may be a node at the edge, too small there to be measured")
    return tuple(parts)


def _of_missed(parts: tuple[str, ...]) -> tuple[str, ...]:
    return (f"incompletely seen: {'; '.join(parts)}; seen so, no case is called negative",) if parts else ()


def case_status(
    nodes: tuple[Node, ...], assessed: tuple[StationAssessment, ...], *, demonstration: bool, at_edge: bool = False
) -> CaseStatus:
    """Return the status of a patient from all nodes and from what was seen.

    Any positive node makes the patient positive, else any borderline node borderline. Negative needs every station
    of both sides assessed, no node in doubt and nothing like a node cut by the edge of what was seen (`at_edge`);
    otherwise the case is indeterminate.
    """
    if demonstration:
        return "demonstration"
    statuses = {node.status for node in nodes}
    if "positive" in statuses:
        return "positive"
    if "borderline" in statuses:
        return "borderline"
    whole = not at_edge and not any(node.cut_by_image for node in nodes)
    seen = whole and bool(assessed) and all(station.assessed for station in assessed)
    return "negative" if seen and statuses <= {"negative"} else "indeterminate"


def describe_refusal(
    reasons: Iterable[Reason],
    circumstances: Circumstances,
    gates: tuple[Gate, ...] = (),
    *,
    warnings: tuple[str, ...] = (),
    timings_s: Mapping[str, float] | None = None,
) -> Findings:
    """Return the findings of a case that was not analysed: status `refused`, every reason, no nodes."""
    return replace(
        _undecided(circumstances, gates, timings_s or {}),
        warnings=_all_warnings(warnings, (), gates),
        refusal=tuple(RefusalReason(str(reason.code), reason.message) for reason in reasons),
    )


def _undecided(circumstances: Circumstances, gates: tuple[Gate, ...], timings_s: Mapping[str, float]) -> Findings:
    """Return what all findings say, before anything was found: those of a refusal whose reasons are yet to come."""
    rules = circumstances.rules
    return Findings(
        schema_version=SCHEMA_VERSION,
        software_version=circumstances.software_version,
        case=circumstances.case,
        status="refused",
        probability=None,
        assessed=(),
        context=circumstances.context,
        nodes=(),
        gates=gates,
        rules=None if rules is None else asdict(rules),
        warnings=(),
        refusal=(),
        input=circumstances.input,
        model=circumstances.model,
        timings_s=dict(timings_s),
        analysed_at=circumstances.analysed_at,
    )


def _all_warnings(reading: tuple[str, ...], nodes: tuple[str, ...], gates: tuple[Gate, ...]) -> tuple[str, ...]:
    """Return all warnings once each, in the order in which they arose."""
    of_gates = tuple(gate.message for gate in gates if gate.outcome == "warn")
    return tuple(dict.fromkeys(reading + nodes + of_gates))
