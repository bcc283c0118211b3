"""The earlier study beside this one, where the images of both are there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.findings import CaseContext, CaseIdentity, PointLpsMm
from core.judging.comparing import with_comparison
from core.judging.laying import Laying, place_then
from runtime.results.artefacts import write_artefacts
from runtime.results.then_and_now import EarlierStudy, pictures_then_and_now
from tests.runtime.results.cases import CREATED, Case, build_case, dicom_objects


@pytest.fixture(scope="module")
def now() -> Case:
    """Return a case whose earlier node 2 is gone; both studies share their coordinates."""
    case = build_case()
    return replace(case, findings=with_comparison(_without(case, 2).findings, then().findings, analysed_anew=True))


def then() -> EarlierStudy:
    case = build_case()
    identity = CaseIdentity("before", "1.2.7", "1.2.7.1", case.findings.case.frame_of_reference_uid, "2025-11-02")
    findings = replace(case.findings, case=identity, context=CaseContext("baseline"))
    return EarlierStudy(findings, case.regions)


def _without(case: Case, number: int) -> Case:
    nodes = tuple(node for node in case.findings.nodes if node.id != number)
    return replace(case, findings=replace(case.findings, nodes=nodes))


def test_known_and_vanished_nodes_have_a_picture_of_then_and_now(now: Case) -> None:
    pictures = pictures_then_and_now(now.findings, now.regions, then())
    assert [each.name for each in pictures] == ["then_and_now_01", "vanished_02"]
    assert "+0.0 mm (+0 %)" in pictures[0].description
    assert "not found again: gone, or missed" in pictures[1].description
    # The same slice of the same images, with the same node: both halves differ in their words alone.
    left, right = (np.asarray(pictures[0].image)[120:400, side : side + 480] for side in (0, 486))
    assert float(np.mean(left != right)) < 0.01


def test_a_new_node_is_shown_beside_its_place_then() -> None:
    case = build_case()
    earlier = then()
    old = replace(earlier, findings=replace(earlier.findings, nodes=earlier.findings.nodes[:1]))
    compared = with_comparison(case.findings, old.findings, analysed_anew=True)
    pictures = pictures_then_and_now(compared, case.regions, old)
    assert [each.name for each in pictures] == ["then_and_now_01", "then_and_now_02"]
    assert "new, or missed then" in pictures[1].description


def test_nothing_is_drawn_without_the_earlier_images(now: Case) -> None:
    assert pictures_then_and_now(now.findings, now.regions, None) == ()
    assert pictures_then_and_now(now.findings, now.regions, replace(then(), regions=None)) == ()
    assert pictures_then_and_now(build_case().findings, now.regions, then()) == ()


def test_pictures_go_out_as_files_captures_and_in_the_report(now: Case) -> None:
    written = {
        each.name: each.data
        for each in write_artefacts(
            now.findings, now.regions, series=now.series, created=CREATED, then=then()
        ).artefacts
    }
    for name in ("then_and_now_01", "vanished_02"):
        assert {f"keyimages/{name}.png", f"captures/{name}.dcm"} <= set(written)
    page = written["report.html"].decode()
    assert "Node 1 in the earlier study (left) and in this one (right)" in page
    assert "Node 2 of the earlier study (left), not found again, and its place in this one (right)" in page
    assert len(written["report.pdf"]) > len(_written_without(now)["report.pdf"]) + 50_000


def _written_without(case: Case) -> dict[str, Any]:
    written = write_artefacts(case.findings, case.regions, series=case.series, created=CREATED)
    return {each.name: each.data for each in written.artefacts}


def test_the_report_names_the_earlier_report(now: Case) -> None:
    comparison = now.findings.comparison
    assert comparison is not None
    named = replace(comparison, prior_report_instance_uid="1.2.7.9.1")
    report = dicom_objects(replace(now, findings=replace(now.findings, comparison=named)))["report.dcm"]
    said = {
        str(item.ConceptNameCodeSequence[0].CodeValue): str(item.UID)
        for item in _items(report)
        if item.ValueType == "UIDREF"
    }
    assert (said["EARLIER_STUDY"], said["EARLIER_REPORT"]) == ("1.2.7", "1.2.7.9.1")


def _items(item: Any) -> list[Any]:
    inside = list(item.get("ContentSequence", []))
    return [*inside, *(each for below in inside for each in _items(below))]


@pytest.mark.parametrize("turn_deg", [0.0, -9.0])
def test_a_place_is_led_back_to_where_it_was(turn_deg: float) -> None:
    case = build_case()
    pivot = np.array([3.0, -4.0, 5.0])
    laying = Laying(np.array([20.0, -11.0, 30.0]), turn_deg, pivot)
    comparison = with_comparison(case.findings, then().findings).comparison
    assert comparison is not None
    moved = replace(comparison, shift_lps_mm=(20.0, -11.0, 30.0), turn_deg=turn_deg, pivot_lps_mm=(3.0, -4.0, 5.0))
    position: PointLpsMm = (50.0, 7.0, -9.0)
    assert place_then(laying.placed(position), moved) == pytest.approx(position)
