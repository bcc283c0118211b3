"""What a report says, section by section, before it is laid out: the page and the PDF show the same content."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sidewall.vocabulary import CaseStatus

from core.counting import counted
from core.findings import Findings, Gate
from core.wording import name_check, name_reason
from runtime.report import words
from runtime.report.diagram import draw_pelvis
from runtime.report.node_content import comparison_rows, node_section, node_table
from runtime.report.parts import Facts, NodeSection, Picture, Table
from runtime.report.scene import Scene
from runtime.report.station_content import station_table
from runtime.report.values import NOT_COMPUTED, Row, field_rows, label, mapping_rows, plain, rows

_SHOWN: Final = frozenset({
    "schema_version", "software_version", "case", "status", "probability", "assessed", "context", "nodes", "gates",
    "rules", "warnings", "refusal", "input", "model", "timings_s", "analysed_at", "comparison",
})  # fmt: skip
"""Fields of the findings that have their own place in the report."""

_PICTURE_CAPTIONS: Final = {
    "contact_sheet": "Contact sheet: the slices on which nodes were measured, or evenly spaced ones without nodes",
    "stations": "The slice that shows most of the lateral stations",
}

_NUMBERED_CAPTIONS: Final = {
    "then_and_now": "Node {} in the earlier study (left) and in this one (right)",
    "vanished": "Node {} of the earlier study (left), not found again, and its place in this one (right)",
}


@dataclass(frozen=True)
class Content:
    """A report without its layout; sections that have nothing to say are empty."""

    case_id: str
    status: CaseStatus
    status_meaning: str
    case_rows: tuple[Row, ...]
    summary: tuple[str, ...]
    refusal: Table
    diagram: Scene | None
    """None for a refused case: nothing is known about any station."""

    diagram_text: str
    stations: Table
    node_table: Table
    further: tuple[Facts, ...]
    """The comparison with an earlier study, and what findings of a later version say beside all this."""

    nodes: tuple[NodeSection, ...]
    pictures: tuple[Picture, ...]
    refusal_pictures: tuple[Picture, ...]
    """Of the reasons why a case was refused while it was read."""

    gates: Table
    gate_pictures: tuple[Picture, ...]
    """Of the checks that warned or refused."""

    warnings: tuple[str, ...]
    provenance: tuple[Facts, ...]


def build_content(
    findings: Findings, pictures: Mapping[str, bytes], created: datetime | None, study: Sequence[tuple[str, str]] = ()
) -> Content:
    """Return the content of a case's report; `pictures` are PNG files by their artefact names.

    The picture of node 3 is the one whose file is called `node_03.png`, that of a quality check is `gates/<code>.png`;
    other pictures come at the end. `created` is the time of the analysis, None where it is not to be said. `study` are
    names and texts of what a printed report is matched by.
    """
    refused = findings.status == "refused"
    by_stem = {_stem(name): data for name, data in sorted(pictures.items(), reverse=True)}
    checked = {gate.code for gate in findings.gates}
    reasons = {each.code: each for each in reversed(findings.refusal) if each.code not in checked}.values()
    return Content(
        case_id=plain(findings.case.case_id),
        status=findings.status,
        status_meaning=words.STATUS_MEANING[findings.status],
        case_rows=_case_rows(findings, created, study),
        summary=words.summarise(findings),
        refusal=_refusal_table(findings),
        diagram=None if refused else draw_pelvis(findings),
        diagram_text=words.describe_diagram(findings),
        stations=station_table(findings),
        node_table=node_table(findings),
        further=_further(findings),
        nodes=tuple(node_section(node, findings, by_stem) for node in findings.nodes),
        pictures=_other_pictures(findings, pictures),
        refusal_pictures=_check_pictures(((each.code, name_reason, each.message) for each in reasons), pictures),
        gates=_gate_table(findings.gates),
        gate_pictures=_check_pictures(((gate.code, name_check, gate.message) for gate in findings.gates), pictures),
        warnings=tuple(plain(text) for text in findings.warnings),
        provenance=_provenance(findings),
    )


def _case_rows(findings: Findings, created: datetime | None, study: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    context, volume, model = findings.context, findings.input, findings.model
    case_rows = [
        Row("Case", plain(findings.case.case_id)),
        *(Row(name, plain(text)) for name, text in study),
        *([Row("Analysed", f"{created:%Y-%m-%d %H:%M:%S} {created.tzname() or 'local time'}")] if created else []),
        Row("Time point", context.time_point),
    ]
    if context.prior_case_id is not None:
        case_rows.append(Row("Prior case", plain(context.prior_case_id)))
    images = NOT_COMPUTED
    if volume is not None and volume.shape_zyx is not None and volume.spacing_mm_zyx is not None:
        z, y, x = volume.shape_zyx
        step_z, step_y, step_x = volume.spacing_mm_zyx
        images = f"{counted(z, 'slice')} of {y} x {x}, {step_z:.2f} mm apart, pixels {step_y:.2f} x {step_x:.2f} mm"
    case_rows.append(Row("Images", images))
    name = "none"
    if model is not None:
        name = f"{plain(model.bundle_name)} {plain(model.bundle_version)}, {model.mode} mode"
    elif volume is not None and volume.label_map_sha256 is not None:
        name = "none; a label map was scored"
    return (*case_rows, Row("Model", name))


def _refusal_table(findings: Findings) -> Table:
    return Table(
        "Why the case was refused",
        ("Reason", "What was found", "What is allowed"),
        tuple((plain(name_reason(reason.code)), *words.split_reason(reason)) for reason in findings.refusal),
        codes=tuple(plain(reason.code) for reason in findings.refusal),
    )


def _further(findings: Findings) -> tuple[Facts, ...]:
    """Return the comparison, and a section per field of the findings without a place of its own that is not empty."""
    comparison = findings.comparison
    compared = () if comparison is None else (Facts("Comparison", comparison_rows(comparison)),)
    others = [field.name for field in fields(findings) if field.name not in _SHOWN and getattr(findings, field.name)]
    return (*compared, *(Facts(label(name), field_rows(name, getattr(findings, name))) for name in others))


def _other_pictures(findings: Findings, pictures: Mapping[str, bytes]) -> tuple[Picture, ...]:
    of_nodes = {f"node_{node.id:02d}" for node in findings.nodes}
    of_checks = {_gate_name(code) for code in _codes(findings)}
    others = {
        _stem(name): data
        for name, data in sorted(pictures.items())
        if _stem(name) not in of_nodes and name not in of_checks
    }
    return tuple(Picture(data, _caption(stem)) for stem, data in others.items())


def _caption(stem: str) -> str:
    name, _, number = stem.rpartition("_")
    if name in _NUMBERED_CAPTIONS and number.isdecimal():
        return _NUMBERED_CAPTIONS[name].format(int(number))
    return _PICTURE_CAPTIONS.get(stem, label(stem))


def _check_pictures(
    checks: Iterable[tuple[str, Callable[[str], str], str]], pictures: Mapping[str, bytes]
) -> tuple[Picture, ...]:
    """Return the pictures of quality checks (code, what names it, message) that have one."""
    return tuple(
        Picture(pictures[_gate_name(code)], f"{plain(name(code))}: {plain(message)}")
        for code, name, message in checks
        if _gate_name(code) in pictures
    )


def _codes(findings: Findings) -> set[str]:
    return {gate.code for gate in findings.gates} | {reason.code for reason in findings.refusal}


def _gate_name(code: str) -> str:
    """Return the artefact name of a quality check's picture."""
    return f"gates/{code}.png"


def _stem(name: str) -> str:
    """Return the file name of an artefact without folder and ending."""
    return name.rsplit("/", 1)[-1].removesuffix(".png")


def _gate_table(gates: tuple[Gate, ...]) -> Table:
    return Table(
        "Checks of the images and of the segmentation",
        ("Check", "Outcome", "What was seen"),
        tuple((plain(name_check(gate.code)), words.OUTCOME_WORDS[gate.outcome], plain(gate.message)) for gate in gates),
        marked_column=1,
        marks=tuple(gate.outcome for gate in gates),
        codes=tuple(plain(gate.code) for gate in gates),
    )


def _provenance(findings: Findings) -> tuple[Facts, ...]:
    """Return what is needed to repeat the analysis."""
    software = (Row("Sidewall", findings.software_version), Row("Schema of the findings", findings.schema_version))
    absent = (Row("State", NOT_COMPUTED),)
    return (
        Facts("Software", software),
        Facts("Model", absent if findings.model is None else rows(findings.model)),
        Facts("Rules and thresholds", mapping_rows(findings.rules, exact=True) if findings.rules else absent),
        Facts("Input", absent if findings.input is None else rows(findings.input, exact=True)),
        Facts("Timings", mapping_rows({f"{name}_s": value for name, value in findings.timings_s.items()}) or absent),
    )
