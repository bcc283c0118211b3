"""What a report says of the stations: how much of each was seen, in words that follow the decision on the case."""

from typing import Final

from core.findings import Findings, StationAssessment
from core.labels import STATION_LABELS, Side, Station
from runtime.report.parts import Table
from runtime.report.values import plain, show
from runtime.report.words import name_place

_CAPTION: Final = "Whether enough of each station was seen to call it free of nodes"
_DEMONSTRATED: Final = (
    "What the model marked of each station, to demonstrate the software; none is called free of nodes"
)
_NOT_JUDGED: Final = "not judged"


def station_table(findings: Findings) -> Table:
    """Return a row per station and side, in the order of the label values, right before left."""
    order = list(STATION_LABELS.values())
    assessed = sorted(findings.assessed, key=lambda each: (each.side == "left", order.index(each.station)))
    states = [_state(findings, each) for each in assessed]
    return Table(
        _DEMONSTRATED if findings.status == "demonstration" else _CAPTION,
        ("Station", "Enough seen", "Volume seen", "Why not"),
        tuple(
            (
                name_place(each.side, each.station),
                state,
                show("volume_mm3", each.volume_mm3),
                "" if each.assessed else plain(each.reason or "no reason stated"),
            )
            for each, state in zip(assessed, states, strict=True)
        ),
        marked_column=1,
        marks=tuple("pass" if state == "yes" else "warn" for state in states),
    )


def name_state(findings: Findings, side: Side, station: Station) -> str:
    """Return what the diagram says of a station: whether it was assessed, or that a demonstration judges none."""
    for each in findings.assessed:
        if (each.side, each.station) == (side, station) and each.assessed:
            return _NOT_JUDGED if findings.status == "demonstration" else "assessed"
    return "not assessed"


def _state(findings: Findings, assessment: StationAssessment) -> str:
    """Return whether enough was seen; what a demonstration marks says nothing of a patient, however large it is."""
    if not assessment.assessed:
        return "no"
    return _NOT_JUDGED if findings.status == "demonstration" else "yes"
