from dataclasses import asdict, dataclass, fields, replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from core.findings import Comparison, Findings, Node, NodeFeatures, PriorNode, RefusalReason, VanishedNode
from core.judging.assessing import within_field_of_view
from core.rules import CaseRules
from runtime.report.content import build_content
from runtime.report.html_page import html_report
from runtime.report.pdf_document import pdf_report
from runtime.report.scene import Text
from runtime.report.values import NOT_COMPUTED, Row, field_rows, interval, label, plain, rows, show, signed_millimetres
from tests.runtime.report.report_cases import (
    CREATED,
    DEMONSTRATION,
    INDETERMINATE,
    INPUT,
    NEGATIVE,
    POSITIVE,
    REFUSED,
    WARN,
    findings,
    node,
)


@dataclass(frozen=True)
class _Earlier:
    id: int
    short_axis_mm: float


@dataclass(frozen=True)
class _LaterNode(Node):
    """A node as a later version may have it."""

    surface_mm2: float | None = None
    depth_mm: float | None = 4.0
    earlier: _Earlier | None = None
    hidden_uid: str | None = "1.2.3.4.5"


@dataclass(frozen=True)
class _LaterFindings(Findings):
    """Findings as a later version may have them."""

    follow_up: tuple[_Earlier, ...] = (_Earlier(3, 7.25), _Earlier(4, 6.0))
    remark: str | None = None


def _values(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def test_fields_of_a_later_version_become_rows_when_they_are_present() -> None:
    later = _LaterNode(**_values(POSITIVE.nodes[0]), earlier=_Earlier(3, 7.25))
    findings = _LaterFindings(**{**_values(POSITIVE), "nodes": (later,)})
    content = build_content(findings, {}, CREATED)
    shown = content.nodes[0].rows
    assert {Row("Depth", "4.0 mm"), Row("Earlier: id", "3"), Row("Earlier: short axis", "7.2 mm")} <= set(shown)
    assert not [row for row in shown if row.name.startswith(("Surface", "Hidden"))]
    follow_up = next(part for part in content.further if part.heading == "Follow up")
    assert follow_up.rows == (
        Row("Follow up 1", "id 3, short axis 7.2 mm"),
        Row("Follow up 2", "id 4, short axis 6.0 mm"),
    )
    assert "Remark" not in {part.heading for part in content.further}
    assert b"short axis 7.2 mm" in html_report(findings, {}, CREATED)
    assert pdf_report(findings, {}, CREATED).startswith(b"%PDF")


def test_the_report_says_the_cut_off_of_a_node_and_whether_it_is_of_restaging() -> None:
    restaged = node(1, "left", "internal_iliac", 5.0, "positive", cutoff_mm=4.0)
    case = findings("positive", restaged, rules=asdict(CaseRules(restaging_applied=True)))
    content = build_content(case, {}, CREATED)
    assert Row("Judged by a cut-off of", "4.0 mm") in content.nodes[0].rows
    rules = next(part for part in content.provenance if part.heading == "Rules and thresholds").rows
    assert Row("Restaging cut-offs applied", "yes") in rules
    assert Row("Restaging obturator cutoff", "6 mm") in rules


def test_a_node_finds_its_picture_by_name_in_any_folder() -> None:
    pictures = {"keyimages/node_01.png": b"one", "node_02.png": b"two", "x/other_view.png": b"three"}
    content = build_content(POSITIVE, pictures, CREATED)
    assert [section.picture for section in content.nodes[:3]] == [b"one", b"two", None]
    assert [(picture.data, picture.caption) for picture in content.pictures] == [(b"three", "Other view")]


def test_stations_are_listed_right_before_left_from_front_to_back() -> None:
    names = [row[0] for row in build_content(NEGATIVE, {}, CREATED).stations.rows]
    stations = ("external iliac", "obturator", "internal iliac")
    assert names == [f"{side} {station}" for side in ("right", "left") for station in stations]


def test_no_station_of_a_demonstration_is_said_to_be_seen_well_enough() -> None:
    table = build_content(DEMONSTRATION, {}, CREATED).stations
    assert DEMONSTRATION.assessed[0].assessed
    assert {row[1] for row in table.rows} == {"not judged"}
    assert "free of nodes" in table.caption
    assert table.caption.endswith("none is called free of nodes")
    scene = build_content(DEMONSTRATION, {}, CREATED).diagram
    assert scene is not None
    states = [item.words for item in scene.items if isinstance(item, Text)]
    assert states.count("not judged") == 6
    assert "assessed" not in states


def test_of_an_analysed_patient_the_stations_follow_the_assessment() -> None:
    assert {row[1] for row in build_content(NEGATIVE, {}, CREATED).stations.rows} == {"yes"}
    rows = {row[0]: row[1] for row in build_content(INDETERMINATE, {}, CREATED).stations.rows}
    assert {place for place, state in rows.items() if state == "no"} == {"left obturator", "right obturator"}


def test_a_refused_case_has_no_diagram_and_says_what_is_unknown() -> None:
    content = build_content(REFUSED, {}, CREATED)
    assert content.diagram is None
    assert Row("Model", "none") in content.case_rows
    assert {part.heading for part in content.provenance if part.rows == (Row("State", NOT_COMPUTED),)} == {
        "Model", "Rules and thresholds", "Input", "Timings"
    }  # fmt: skip


def test_a_demonstration_still_says_what_rule_and_model_say() -> None:
    cells = build_content(DEMONSTRATION, {}, CREATED).node_table.rows[0]
    assert cells[5:7] == ("demonstration", "positive / positive")


def test_features_are_named_once_one_is_measured() -> None:
    base = node(1, "left", "obturator", 5.0)
    measured = type(base.features)(irregular_border=True)
    cells = build_content(NEGATIVE, {}, CREATED).node_table
    assert cells.rows == ()
    case = _LaterFindings(**{**_values(NEGATIVE), "nodes": (node(1, "left", "obturator", 5.0, features=measured),)})
    assert build_content(case, {}, CREATED).node_table.rows[0][-1] == (
        "irregular border, heterogeneous signal: not computed"
    )


@pytest.mark.parametrize(
    ("irregular", "uneven", "text"),
    [
        (True, True, "irregular border, heterogeneous signal"),
        (False, True, "heterogeneous signal"),
        (False, False, "none"),
        (None, None, "not computed"),
    ],
)
def test_the_table_names_the_features_that_are_there(irregular: bool | None, uneven: bool | None, text: str) -> None:
    features = NodeFeatures(irregular_border=irregular, heterogeneous_signal=uneven)
    case = findings("negative", node(1, "left", "obturator", 5.0, features=features))
    assert build_content(case, {}, CREATED).node_table.rows[0][-1] == text


def test_the_change_against_an_earlier_study_stands_in_table_section_and_comparison() -> None:
    prior = PriorNode(4, 6.9, 1.2, (0.3, 2.1), 3.44, certain=False)
    gone = VanishedNode(2, "right", "obturator", 5.04, "negative")
    case = findings(
        "positive",
        node(1, "left", "obturator", 8.1, "positive", prior=prior),
        node(2, "right", "obturator", 4.0),
        comparison=Comparison("before", "baseline", 5, (1.0, -2.0, 3.5), (gone,)),
    )
    content = build_content(case, {}, CREATED)
    column = content.node_table.header.index("Change, mm")
    assert [row[column] for row in content.node_table.rows] == ["+1.2", "new"]
    assert {
        Row("Earlier study", "node 4, short axis 6.9 mm; another node lies nearly as close"),
        Row("Change since then", "+1.2 mm (folds +0.3 to +2.1)"),
        Row("Distance from there", "3.4 mm"),
    } <= set(content.nodes[0].rows)
    assert Row("Earlier study", "not found there: new, or missed then") in content.nodes[1].rows
    (compared,) = content.further
    assert compared.heading == "Comparison"
    assert {
        Row("Earlier study", "before"),
        Row("Laid on this one by", "five stations that both saw"),
        Row("Not found again", "node 2, right obturator, short axis 5.0 mm"),
    } <= set(compared.rows)


def test_without_an_earlier_study_nothing_is_said_of_changes() -> None:
    content = build_content(POSITIVE, {}, CREATED)
    assert "Change, mm" not in content.node_table.header
    assert content.further == ()
    assert not [row for section in content.nodes for row in section.rows if "earlier" in row.name.lower()]


def test_a_scored_label_map_says_whose_opinion_a_node_has() -> None:
    judged = node(1, "left", "obturator", 8.1, "positive", status_by_model=None, probability=None, mean_posterior=None)
    case = findings("positive", replace(judged, status_by_label="negative"), model=None)
    content = build_content(replace(case, input=replace(INPUT, label_map_sha256="ab" * 32)), {}, CREATED)
    cells = dict(zip(content.node_table.header, content.node_table.rows[0], strict=True))
    assert (cells["By rule / by label map"], cells["Probability"]) == ("positive / negative", "-")
    assert Row("By rule / by label map", "positive / negative") in content.nodes[0].rows
    assert Row("Model", "none; a label map was scored") in content.case_rows


@pytest.mark.parametrize(("value", "text"), [(1.24, "+1.2"), (-0.96, "-1.0"), (0.04, "0.0"), (-0.04, "0.0")])
def test_changes_carry_their_sign_and_none_is_no_minus_nought(value: float, text: str) -> None:
    assert signed_millimetres(value) == text


def test_checks_and_reasons_have_names_beside_their_codes() -> None:
    gates = build_content(POSITIVE, {}, CREATED).gates
    assert [row[0] for row in gates.rows] == ["Resolution", "Field of view"]
    assert gates.codes == ("too_coarse", "field_of_view")
    refusal = build_content(REFUSED, {}, CREATED).refusal
    assert [row[0] for row in refusal.rows] == ["Not T2-weighted", "Unheard of"]
    assert refusal.codes == ("not_t2", "unheard_of")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("short_axis_mm", 8.06, "8.1 mm"),
        ("short_axis_mm", 0.0, "0.0 mm"),
        ("short_axis_mm", None, "not computed"),
        ("short_axis_mm", float("nan"), "not computed"),
        ("volume_mm3", 1234.5, "1234 mm³"),
        ("centroid_lps_mm", (1.0, -2.25, 3.0), "1.0, -2.2, 3.0 mm (LPS)"),
        ("long_axis_interval_mm", (1.0, 2.0), "1.0–2.0 mm"),
        ("probability", 0.123456789, "0.123"),
        ("change_mm", -0.04, "0.0 mm"),
        ("regional", False, "no"),
        ("fold_count", 5, "5"),
        ("station_probabilities", {"external_iliac": 0.25, "obturator": 0.0}, "external iliac 0.25"),
        ("station_probabilities", {}, "not computed"),
        ("direction", ((1.0, 0.0), (0.0, 1.0)), "(1, 0); (0, 1)"),
        ("field_strength_t", 1.5, "1.5 T"),
    ],
)
def test_values_carry_their_unit_and_none_is_not_zero(name: str, value: Any, text: str) -> None:
    assert show(name, value) == text


def test_settings_keep_their_digits() -> None:
    assert show("borderline_band_mm", 0.25, exact=True) == "0.25 mm"
    assert field_rows("irregular_border_cutoff", 0.03, exact=True) == (Row("Irregular border cutoff", "0.03"),)


def test_labels_are_words_without_units() -> None:
    names = ("short_axis_interval_mm", "shape_zyx", "cut_by_image")
    assert [label(name) for name in names] == ["Short axis interval", "Shape", "Cut by the image edge"]


def test_an_interval_from_zero_says_that_a_fold_saw_nothing() -> None:
    assert interval((0.0, 8.5)) == "0.0–8.5, not seen by every fold"
    assert interval((7.56, 8.5)) == "7.6–8.5"


def test_unprintable_characters_are_made_visible() -> None:
    assert plain("a\x00b\u202ec\td\n") == r"a\x00b\u202ec d "


def test_uids_have_no_row() -> None:
    assert not [row for row in rows(POSITIVE.nodes[0]) if "uid" in row.name.lower() or "2.25" in row.value]


def test_pictures_of_checks_stand_beside_the_checks_and_those_of_reasons_beside_the_reasons() -> None:
    pictures = {"gates/field_of_view.png": b"field", "gates/not_t2.png": b"echo", "gates/elsewhere.png": b"other"}
    content = build_content(POSITIVE, pictures, CREATED)
    caption = "Field of view: the images cover 100 x 100 mm"
    assert [(each.data, each.caption) for each in content.gate_pictures] == [(b"field", caption)]
    assert content.refusal_pictures == ()
    assert [each.data for each in content.pictures] == [b"other", b"echo"]
    content = build_content(REFUSED, pictures, CREATED)
    caption = "Not T2-weighted: the echo time is 12 ms; allowed: 70 to 140 ms"
    assert [(each.data, each.caption) for each in content.refusal_pictures] == [(b"echo", caption)]
    assert content.gate_pictures == ()


def test_a_gate_that_refused_has_its_picture_once() -> None:
    refused = replace(REFUSED, gates=POSITIVE.gates, refusal=(RefusalReason("field_of_view", "too small"),))
    content = build_content(refused, {"gates/field_of_view.png": b"field"}, CREATED)
    assert (len(content.gate_pictures), content.refusal_pictures, content.pictures) == (1, (), ())


def test_page_and_document_show_the_pictures_of_checks() -> None:
    buffer = BytesIO()
    Image.new("RGB", (966, 500)).save(buffer, "PNG")
    for each, code, name in ((POSITIVE, "field_of_view", "Field of view"), (REFUSED, "not_t2", "Not T2-weighted")):
        pictures = {f"gates/{code}.png": buffer.getvalue()}
        assert f"<figcaption>{name}: ".encode() in html_report(each, pictures, CREATED)
        assert pdf_report(each, pictures, CREATED).count(b"/Subtype /Image") == 1


def test_where_the_field_of_view_failed_no_station_was_seen_enough() -> None:
    """Stations on the edge of a small field of view may lie outside it: their volumes prove nothing."""
    warned = replace(findings("indeterminate"), gates=(WARN,))
    judged = replace(warned, assessed=within_field_of_view(warned.assessed, warned.gates))
    table = build_content(judged, {}, CREATED).stations
    assert {row[1] for row in build_content(warned, {}, CREATED).stations.rows} == {"yes"}
    assert {row[1] for row in table.rows} == {"no"}
    assert all("field of view" in row[3] for row in table.rows)
