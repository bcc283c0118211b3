from dataclasses import replace

import pytest

from core.findings import Node, RefusalReason
from export.agreement import NodeAgreement, compare_findings, compare_nodes
from tests.core.results import BARE_NODE, NODE, decided

NODES = (NODE, BARE_NODE)


def test_the_same_nodes_in_another_order_agree_and_their_axes_are_measured() -> None:
    moved = replace(NODE, centroid_lps_mm=(41.25, -3.0, 12.5), short_axis_mm=NODE.short_axis_mm + 0.04)
    assert compare_nodes(NODES, (BARE_NODE, moved)) == NodeAgreement(True, "", 0.04)


def test_no_nodes_agree_with_none() -> None:
    assert compare_nodes((), ()) == NodeAgreement(True, "", 0.0)


@pytest.mark.parametrize(
    ("got", "difference"),
    [
        ((NODE,), "1 nodes instead of 2"),
        ((NODE, replace(BARE_NODE, side="left")), "side left instead of unknown"),
        ((NODE, replace(BARE_NODE, station="obturator")), "station obturator instead of None"),
        ((replace(NODE, status="negative"), BARE_NODE), "status negative instead of positive"),
        ((NODE, replace(BARE_NODE, centroid_lps_mm=(0.0, 1.0, -21.1))), "a node lies elsewhere"),
        # Both at the place of the first.
        ((NODE, replace(BARE_NODE, centroid_lps_mm=NODE.centroid_lps_mm)), "a node lies elsewhere"),
    ],
)
def test_another_number_place_side_station_or_status_is_named(got: tuple[Node, ...], difference: str) -> None:
    found = compare_nodes(NODES, got)
    assert not found.same
    assert found.difference == difference


def test_findings_agree_when_status_refusal_and_nodes_do() -> None:
    findings = decided()
    assert compare_findings(findings, findings) == NodeAgreement(True, "", 0.0)
    assert compare_findings(findings, decided((NODE,))).difference == "1 nodes instead of 2"
    other = replace(findings, status="negative")
    assert compare_findings(findings, other).difference == f"case negative instead of {findings.status}"
    refused = replace(findings, refusal=(RefusalReason("midline", "no midline"),))
    assert compare_findings(findings, refused).difference == "the case is refused for another reason"
