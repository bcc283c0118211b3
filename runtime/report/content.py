"""What a report says, section by section, before it is laid out: the page and the PDF show the same content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from runtime.core.findings import CaseStatus, Findings, Gate, Node, NodeFeatures, NodeStatus
from runtime.core.labels import STATION_LABELS
from runtime.report import words
from runtime.report.appearance import Mark
from runtime.report.diagram import draw_pelvis
from runtime.report.scene import Scene
from runtime.report.values import (
    ABSENT,
    NOT_COMPUTED,
    Row,
    field_rows,
    interval,
    label,
    mapping_rows,
    millimetres,
    plain,
    rows,
    show,
)

_IN_THE_TABLE: Final = frozenset({"id", "side", "station", "axis_endpoints_lps_mm"})
"""Fields of a node that its heading, or its picture, says already."""

_OF_A_MODEL: Final = frozenset({"status_by_model", "probability", "mean_posterior"})
"""Fields of a node that a label map leaves empty."""

_SHOWN: Final = frozenset({
    "schema_version", "software_version", "case", "status", "probability", "assessed", "context", "nodes", "gates",
    "rules", "warnings", "refusal", "input", "model", "timings_s", "analysed_at",
})  # fmt: skip
"""Fields of the findings that have their own place in the report."""

_FEATURES: Final = frozenset({"irregular_border", "heterogeneous_signal"})

_PICTURE_CAPTIONS: Final = {
    "contact_sheet": "Contact sheet: the slices on which nodes were measured, or evenly spaced ones without nodes",
    "stations": "The slice that shows most of the lateral stations",
}

_NODE_HEADER: Final = (
    "Node", "Side", "Station", "N / M", "Short axis, mm (folds)", "Long axis, mm", "Volume, mm³", "Status", "By rule",
    "By model", "Probability", "Features",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table with one header row; the first cell of a row names the row."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked_column: int | None = None
    """The column whose cells are set off by colour."""

    marks: tuple[Mark, ...] = ()
    """Per row, what the marked cell says."""


@dataclass(frozen=True)
class NodeSection:
    """One node: its picture and everything that was measured."""

    node_id: int
    heading: str
    status: NodeStatus
    picture: bytes | None
    """PNG; None when there is none."""

    picture_text: str
    """What the picture shows, for those who cannot see it."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Picture:
    """A picture of the case beside those of the nodes."""

    data: bytes
    """PNG."""

    caption: str


@dataclass(frozen=True)
class Facts:
    """Named values under one heading."""

    heading: str
    rows: tuple[Row, ...]


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
    """What findings of a later version say beside all this, e.g. a comparison with an earlier study."""

    nodes: tuple[NodeSection, ...]
    pictures: tuple[Picture, ...]
    refusal_pictures: tuple[Picture, ...]
    """Of the reasons why a case was refused while it was read."""

    gates: Table
    gate_pictures: tuple[Picture, ...]
    """Of the checks that warned or refused."""

    warnings: tuple[str, ...]
    provenance: tuple[Facts, ...]


def build_content(findings: Findings, pictures: Mapping[str, bytes], created: datetime) -> Content:
    """Return the content of a case's report; `pictures` are PNG files by their artefact names.

    The picture of node 3 is the one whose file is called `node_03.png`, that of a quality check is `gates/<code>.png`;
    other pictures come at the end.
    """
    refused = findings.status == "refused"
    checked = {gate.code for gate in findings.gates}
    reasons = {each.code: each for each in reversed(findings.refusal) if each.code not in checked}.values()
    return Content(
        case_id=plain(findings.case.case_id),
        status=findings.status,
        status_meaning=words.STATUS_MEANING[findings.status],
        case_rows=_case_rows(findings, created),
        summary=words.summarise(findings),
        refusal=_refusal_table(findings),
        diagram=None if refused else draw_pelvis(findings),
        diagram_text=words.describe_diagram(findings),
        stations=_station_table(findings),
        node_table=_node_table(findings),
        further=_further(findings),
        nodes=tuple(_node_section(node, pictures, by_model=findings.model is not None) for node in findings.nodes),
        pictures=_other_pictures(findings, pictures),
        refusal_pictures=_check_pictures(((each.code, each.message) for each in reasons), pictures),
        gates=_gate_table(findings.gates),
        gate_pictures=_check_pictures(((gate.code, gate.message) for gate in findings.gates), pictures),
        warnings=tuple(plain(text) for text in findings.warnings),
        provenance=_provenance(findings),
    )


def _case_rows(findings: Findings, created: datetime) -> tuple[Row, ...]:
    context, volume, model = findings.context, findings.input, findings.model
    case_rows = [
        Row("Case", plain(findings.case.case_id)),
        Row("Analysed", f"{created:%Y-%m-%d %H:%M:%S} {created.tzname() or 'local time'}"),
        Row("Time point", context.time_point),
    ]
    if context.prior_case_id is not None:
        case_rows.append(Row("Prior case", plain(context.prior_case_id)))
    images = NOT_COMPUTED
    if volume is not None and volume.shape_zyx is not None and volume.spacing_mm_zyx is not None:
        z, y, x = volume.shape_zyx
        step_z, step_y, step_x = volume.spacing_mm_zyx
        images = f"{z} slices of {y} x {x}, {step_z:.2f} mm apart, pixels {step_y:.2f} x {step_x:.2f} mm"
    case_rows.append(Row("Images", images))
    name = "none" if model is None else f"{plain(model.bundle_name)} {plain(model.bundle_version)}, {model.mode} mode"
    return (*case_rows, Row("Model", name))


def _refusal_table(findings: Findings) -> Table:
    reasons = [(plain(reason.code), *words.split_reason(reason)) for reason in findings.refusal]
    return Table("Why the case was refused", ("Reason", "What was found", "What is allowed"), tuple(reasons))


def _station_table(findings: Findings) -> Table:
    """Return a row per station and side, in the order of the label values, right before left."""
    order = list(STATION_LABELS.values())
    assessed = sorted(findings.assessed, key=lambda each: (each.side == "left", order.index(each.station)))
    cells = [
        (
            words.name_place(each.side, each.station),
            "yes" if each.assessed else "no",
            show("volume_mm3", each.volume_mm3),
            "" if each.assessed else plain(each.reason or "no reason stated"),
        )
        for each in assessed
    ]
    return Table(
        "Whether enough of each station was seen to call it free of nodes",
        ("Station", "Assessed", "Volume seen", "Why not"),
        tuple(cells),
        marked_column=1,
        marks=tuple("pass" if each.assessed else "warn" for each in assessed),
    )


def _node_table(findings: Findings) -> Table:
    by_model = findings.model is not None
    return Table(
        "Lateral lymph nodes from head to feet; N regional, M non-regional; sizes in the plane of the slices",
        tuple(name if by_model or name != "By model" else "By label map" for name in _NODE_HEADER),
        tuple(_node_cells(node, by_model=by_model) for node in findings.nodes),
        marked_column=_NODE_HEADER.index("Status"),
        marks=tuple(node.status for node in findings.nodes),
    )


def _node_cells(node: Node, *, by_model: bool) -> tuple[str, ...]:
    opinion = node.status_by_model if by_model else node.status_by_label
    size = millimetres(node.short_axis_mm)
    folds = "" if node.short_axis_interval_mm is None else f" ({interval(node.short_axis_interval_mm)})"
    return (
        str(node.id),
        node.side,
        words.name_station(node.station),
        words.name_category(node.regional),
        size + folds,
        millimetres(node.long_axis_mm),
        f"{node.volume_mm3:.0f}",
        node.status,
        show("status_by_rule", node.status_by_rule),
        opinion or ABSENT,
        ABSENT if node.probability is None else f"{node.probability:.2f}",
        _feature_words(node.features),
    )


def _feature_words(features: NodeFeatures) -> str:
    """Return both malignant features in short; what was not measured is said as such."""
    judged = {label(name): getattr(features, name) for name in sorted(_FEATURES, reverse=True)}
    if all(value is None for value in judged.values()):
        return NOT_COMPUTED
    return ", ".join(f"{name.lower()}: {show('', value)}" for name, value in judged.items())


def _node_section(node: Node, pictures: Mapping[str, bytes], *, by_model: bool) -> NodeSection:
    return NodeSection(
        node_id=node.id,
        heading=f"Node {node.id}: {words.name_place(node.side, node.station)}",
        status=node.status,
        picture=next((data for name, data in sorted(pictures.items()) if _stem(name) == f"node_{node.id:02d}"), None),
        picture_text=words.describe_picture(node),
        rows=rows(
            node,
            skip=_IN_THE_TABLE if by_model else _IN_THE_TABLE | _OF_A_MODEL,
            always=_FEATURES | {"short_axis_interval_mm"},
        ),
    )


def _further(findings: Findings) -> tuple[Facts, ...]:
    """Return a section per field of the findings that has no place of its own and is not empty."""
    others = [field.name for field in fields(findings) if field.name not in _SHOWN and getattr(findings, field.name)]
    return tuple(Facts(label(name), field_rows(name, getattr(findings, name))) for name in others)


def _other_pictures(findings: Findings, pictures: Mapping[str, bytes]) -> tuple[Picture, ...]:
    of_nodes = {f"node_{node.id:02d}" for node in findings.nodes}
    of_checks = {_gate_name(code) for code in _codes(findings)}
    others = {
        _stem(name): data
        for name, data in sorted(pictures.items())
        if _stem(name) not in of_nodes and name not in of_checks
    }
    return tuple(Picture(data, _PICTURE_CAPTIONS.get(stem, label(stem))) for stem, data in others.items())


def _check_pictures(checks: Iterable[tuple[str, str]], pictures: Mapping[str, bytes]) -> tuple[Picture, ...]:
    """Return the pictures of quality checks (code, message) that have one."""
    return tuple(
        Picture(pictures[_gate_name(code)], f"Quality check {plain(code)}: {plain(message)}")
        for code, message in checks
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
        tuple((plain(gate.code), words.OUTCOME_WORDS[gate.outcome], plain(gate.message)) for gate in gates),
        marked_column=1,
        marks=tuple(gate.outcome for gate in gates),
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
