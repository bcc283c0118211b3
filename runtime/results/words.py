"""The fixed texts of the results (ASCII, so that every character set holds them) and the words for findings."""

from typing import Final

from sidewall.vocabulary import STATION, Side, Station

from core.counting import counted
from core.findings import Findings, Node
from core.wording import name_check

RESEARCH_WORDS: Final = "RESEARCH - NOT FOR DIAGNOSIS"
MANUFACTURER: Final = "Sidewall project"
MODEL_NAME: Final = "Sidewall"
SERIAL_NUMBER: Final = "unregistered"
BODY_PART: Final = "PELVIS"
"""Body Part Examined (PS3.16, annex L)."""


def describe_station(station: Station | None, side: Side) -> str:
    """Return e.g. `left obturator`; an unknown side or station is said as such."""
    place = "no station" if station is None else STATION[station].words
    return f"unknown side {place}" if side == "unknown" else f"{side} {place}"


def station_identifier(station: Station, side: Side) -> str:
    """Return the tracking identifier of a station on one side, the same in SEG and SR: viewers show it."""
    return f"station {describe_station(station, side)}"


def tracking_identifier(node: Node) -> str:
    """Return the tracking identifier of a node, the same in SEG and SR.

    It begins as viewers on cornerstone name their tool of two crossed axes (adapters of cornerstone3D), which makes
    them show the node's axes as calipers of their own.
    """
    return f"Cornerstone3DTools@^0.1.0:Bidirectional:node {node.id}"


def size_mm(node: Node, length_mm: float) -> str:
    """Return an axis of a node, e.g. `8.1 mm`, or `>= 8.1 mm` where the edge of the image cuts the node."""
    return f"{'>= ' if node.cut_by_image else ''}{length_mm:.1f} mm"


def describe_node(node: Node) -> str:
    """Return one line about a node: status and axes."""
    cut = ", cut by the edge of the image" if node.cut_by_image else ""
    axes = f"short axis {size_mm(node, node.short_axis_mm)}, long axis {size_mm(node, node.long_axis_mm)}"
    return f"Status {node.status}, {axes}{cut}"


def warning_lines(findings: Findings) -> tuple[str, ...]:
    """Return one line about all warnings, in less and less detail, for a picture to take the first that fits.

    Empty without warnings.
    """
    if not findings.warnings:
        return ()
    count = counted(len(findings.warnings), "warning")
    checks = [name_check(gate.code).lower() for gate in findings.gates if gate.message in findings.warnings]
    named = [f"{count}, of {', '.join(dict.fromkeys(checks))}: see the report"] if checks else []
    return (
        *(f"Warning: {text}" for text in findings.warnings[:1] if count == "1 warning"),
        *named,
        f"{count}: see the report",
    )


def algorithm_parameters(findings: Findings) -> dict[str, str]:
    """Return what identifies the algorithm beside its version, name -> value; nothing before a bundle was used."""
    model, rules = findings.model, findings.rules or {}
    if model is None:
        return {}
    return {
        "bundle": f"{model.bundle_name} {model.bundle_version}",
        "bundle digest": model.bundle_digest,
        "trained on": model.trained_on,
        "mode": model.mode,
        "backend": model.backend,
        "folds": str(model.fold_count),
        "rules": str(rules.get("id", "none")),
    }
