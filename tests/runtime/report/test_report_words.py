from dataclasses import asdict, replace

import pytest

from core.findings import Findings, Gate, RefusalReason
from core.rules import CaseRules
from core.wording import without_verdict
from runtime.report.words import (
    count_of,
    describe_diagram,
    describe_picture,
    describe_size,
    name_category,
    name_place,
    split_reason,
    summarise,
)
from tests.runtime.report.report_cases import (
    BORDERLINE,
    DEMONSTRATION,
    EVERY_STATUS,
    INDETERMINATE,
    INPUT,
    NEGATIVE,
    POSITIVE,
    REFUSED,
    findings,
    node,
    not_assessed,
    refused,
)


def test_a_positive_case_names_regional_nodes_first_and_external_iliac_ones_apart() -> None:
    assert summarise(POSITIVE) == (
        "Two lateral lymph nodes with a short axis of 7 mm or more: left obturator 8.1 mm (7.6–8.5), "
        "right internal iliac 7.6 mm (7.1–8.0).",
        "Listed apart as non-regional (M): one external iliac lymph node with a short axis of 7 mm or more: "
        "left external iliac 9.2 mm (8.7–9.6).",
        "One lateral lymph node borderline (short axis within 0.5 mm of the 7 mm cut-off): right obturator 7.2 mm "
        "(6.7–7.6).",
        "Two further lateral lymph nodes with a short axis of 3.2 to 5.0 mm are rated negative.",
        "One node lies in no station and may not be a lateral lymph node: left, in no station, 6.0 mm (5.5–6.4).",
        "One quality check warns: field of view.",
    )


def test_a_case_with_a_positive_external_iliac_node_alone_says_that_no_regional_node_is_suspicious() -> None:
    sentences = summarise(findings("positive", node(1, "right", "external_iliac", 8.0, "positive")))
    assert sentences == (
        "No suspicious regional lymph node in the obturator and internal iliac stations assessed.",
        "Listed apart as non-regional (M): one external iliac lymph node with a short axis of 7 mm or more: "
        "right external iliac 8.0 mm (7.5–8.4).",
    )


def test_a_node_that_is_positive_below_the_cut_off_is_not_said_to_reach_it() -> None:
    small = node(1, "left", "obturator", 6.2, "positive", short_axis_interval_mm=None)
    assert summarise(findings("positive", small)) == (
        "One lateral lymph node below 7 mm rated positive by features or by the model: left obturator 6.2 mm.",
    )
    assert summarise(findings("positive", small, model=None)) == (
        "One lateral lymph node below 7 mm rated positive by features or by the label map: left obturator 6.2 mm.",
    )


def test_at_restaging_every_sentence_names_the_cut_off_that_its_nodes_were_judged_by() -> None:
    case = findings(
        "positive",
        node(1, "left", "internal_iliac", 5.0, "positive", cutoff_mm=4.0, short_axis_interval_mm=None),
        node(2, "right", "internal_iliac", 3.4, "positive", cutoff_mm=4.0, short_axis_interval_mm=None),
        node(3, "left", "obturator", 8.1, "positive", cutoff_mm=6.0, short_axis_interval_mm=None),
        node(4, "right", "internal_iliac", 4.3, "borderline", cutoff_mm=4.0, short_axis_interval_mm=None),
        node(5, "right", "external_iliac", 8.0, "positive", cutoff_mm=7.0, short_axis_interval_mm=None),
        rules=asdict(CaseRules(restaging_applied=True)),
    )
    assert summarise(case) == (
        "One lateral lymph node with a short axis of more than 6 mm: left obturator 8.1 mm.",
        "One lateral lymph node with a short axis of more than 4 mm: left internal iliac 5.0 mm.",
        "One lateral lymph node of 4 mm or less rated positive by features or by the model: "
        "right internal iliac 3.4 mm.",
        "Listed apart as non-regional (M): one external iliac lymph node with a short axis of 7 mm or more: "
        "right external iliac 8.0 mm.",
        "One lateral lymph node borderline (short axis within 0.5 mm of the 4 mm cut-off): right internal iliac "
        "4.3 mm.",
    )


def test_without_rules_no_cut_off_is_claimed() -> None:
    sentences = summarise(findings("positive", node(1, "left", "obturator", 8.0, "positive"), rules=None))
    assert sentences == ("One lateral lymph node rated positive: left obturator 8.0 mm (7.5–8.4).",)
    assert "within" not in " ".join(summarise(replace(BORDERLINE, rules=None)))


def test_a_positive_case_names_the_stations_that_were_not_seen() -> None:
    assessed = not_assessed("cut by the lowest slice", ("right", "obturator"))
    sentences = summarise(findings("positive", node(1, "left", "obturator", 8.0, "positive"), assessed=assessed))
    assert sentences[-1] == "Not assessed: right obturator (cut by the lowest slice)."


def test_a_negative_case_without_nodes_says_so() -> None:
    assert summarise(NEGATIVE) == (
        "No suspicious lateral lymph node in the assessed stations.",
        "No lateral lymph node was found.",
    )


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((4.0,), "One lateral lymph node with a short axis of 4.0 mm is rated negative."),
        ((4.04, 3.96), "Two lateral lymph nodes with a short axis of 4.0 mm are rated negative."),
        ((5.5, 3.0, 4.0), "Three lateral lymph nodes with a short axis of 3.0 to 5.5 mm are rated negative."),
    ],
)
def test_a_negative_case_counts_its_nodes(sizes: tuple[float, ...], sentence: str) -> None:
    nodes = [node(number, "left", "obturator", size) for number, size in enumerate(sizes, start=1)]
    assert summarise(findings("negative", *nodes))[1] == sentence


def test_a_borderline_case_says_that_nothing_is_positive() -> None:
    assert summarise(BORDERLINE) == (
        "One lateral lymph node borderline (short axis within 0.5 mm of the 7 mm cut-off): right obturator 7.2 mm "
        "(6.7–7.6).",
        "No lateral lymph node is rated positive.",
    )


def test_a_borderline_external_iliac_node_is_not_counted_as_regional() -> None:
    sentences = summarise(findings("borderline", node(1, "left", "external_iliac", 7.1, "borderline")))
    assert sentences[1] == "External iliac nodes count as non-regional (M)."


def test_an_indeterminate_case_names_what_was_not_assessed_and_why() -> None:
    assert summarise(INDETERMINATE) == (
        "Indeterminate: no suspicious lateral lymph node was found, but not everything could be assessed.",
        "No lateral lymph node was found.",
        "Not assessed: left obturator and right obturator (only 12 mm3 were seen).",
    )


def test_a_case_without_a_verdict_says_why_and_nothing_of_nodes_that_were_not_found() -> None:
    doubtful = node(1, "left", "obturator", 8.1, "indeterminate", short_axis_interval_mm=None)
    warning = without_verdict(["the image has too few grey levels"])
    assert summarise(findings("indeterminate", doubtful, warnings=(warning,))) == (
        "Indeterminate: no verdict is given, since the image has too few grey levels.",
        "One lateral lymph node without a verdict: left obturator 8.1 mm.",
    )


@pytest.mark.parametrize("reason", ["the midline could not be trusted", None])
def test_when_nothing_was_assessed_the_reason_stands_once(reason: str | None) -> None:
    sentences = summarise(findings("indeterminate", assessed=not_assessed(reason)))
    assert sentences[-1] == f"Not assessed: every station of both sides ({reason or 'no reason stated'})."


def test_without_assessments_no_station_counts_as_assessed() -> None:
    assert summarise(findings("indeterminate", assessed=()))[-1] == "No station was assessed."


def test_an_indeterminate_case_names_nodes_without_station_or_side() -> None:
    nodes = (node(1, "unknown", None, 6.0, "indeterminate"), node(2, "right", None, 5.0, "indeterminate"))
    assert summarise(findings("indeterminate", *nodes))[1] == (
        "Two nodes lie in no station and may not be lateral lymph nodes: side unknown, in no station, 6.0 mm "
        "(5.5–6.4); right, in no station, 5.0 mm (4.5–5.4)."
    )


def test_a_refused_case_gives_every_reason() -> None:
    assert summarise(REFUSED) == (
        "Not analysed: the case was refused for two reasons.",
        "Not T2-weighted: the echo time is 12 ms; allowed: 70 to 140 ms.",
        "Unheard of: a reason without a code of its own.",
    )


def test_a_refusal_without_reason_is_said_to_have_none() -> None:
    assert summarise(refused()) == ("Not analysed: the case was refused for no stated reason.",)


def test_a_demonstration_is_no_finding() -> None:
    sentences = summarise(DEMONSTRATION)
    assert sentences[0] == (
        "Demonstration only: the model has only seen synthetic patients, and nothing below is a finding."
    )
    assert sentences[1] == "It marked one structure as lateral node, shown to demonstrate the software."
    assert "does not mean that there is none" in summarise(replace(DEMONSTRATION, nodes=()))[1]
    assert not any(word in " ".join(sentences).lower() for word in ("suspicious", "positive", "negative", "mm"))


def test_a_phantom_is_said_to_be_one() -> None:
    sentences = summarise(replace(NEGATIVE, input=replace(INPUT, is_phantom=True)))
    assert sentences[-1] == "The images are of a phantom, not of a patient."


def test_every_check_that_warns_is_named() -> None:
    gates = tuple(Gate(code, "warn", "") for code in ("midline", "node_count"))
    assert summarise(replace(NEGATIVE, gates=gates))[-1] == "Two quality checks warn: midline and number of nodes."


def test_many_nodes_are_counted_and_the_largest_named() -> None:
    nodes = [node(number, "left", "obturator", 7.5 + number, "positive") for number in range(1, 26)]
    sentence = summarise(findings("positive", *nodes))[0]
    assert sentence.startswith("25 lateral lymph nodes with a short axis of 7 mm or more: left obturator 32.5 mm (")
    assert sentence.endswith("27.5 mm (27.0–27.9), and 19 more in the table.")
    assert sentence.count("obturator") == 6


@pytest.mark.parametrize("each", EVERY_STATUS, ids=lambda each: each.status)
def test_every_sentence_begins_with_a_capital_and_ends_with_a_stop(each: Findings) -> None:
    for sentence in summarise(each):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_a_node_that_a_fold_did_not_see_is_said_to_be_one() -> None:
    unsure = node(1, "left", "obturator", 8.1, short_axis_interval_mm=(0.0, 8.5))
    assert describe_size(unsure) == "8.1 mm (0.0–8.5, not seen by every fold)"


def test_places_without_side_or_station() -> None:
    assert name_place("left", "internal_iliac") == "left internal iliac"
    assert name_place("unknown", "obturator") == "obturator, side unknown"
    assert name_place("right", None) == "right, in no station"
    assert [name_category(regional) for regional in (True, False, None)] == ["N", "M", "not known"]


def test_counts_are_words_up_to_twelve() -> None:
    assert [count_of(number, "node") for number in (0, 1, 2, 12, 13)] == [
        "no nodes", "one node", "two nodes", "twelve nodes", "13 nodes"
    ]  # fmt: skip


def test_a_reason_is_split_into_what_was_found_and_what_is_allowed() -> None:
    assert split_reason(RefusalReason("not_mr", "modality is CT; allowed: MR")) == ("modality is CT", "MR")
    assert split_reason(RefusalReason("midline", "no midline")) == ("no midline", "as the reason says")


def test_pictures_and_diagram_have_words_for_those_who_cannot_see_them() -> None:
    assert describe_picture(POSITIVE.nodes[0]).startswith("Node 1, left obturator: left, its axial slice")
    text = describe_diagram(POSITIVE)
    assert all(f"node {each.id} " in text for each in POSITIVE.nodes)
    assert "Hatched as not assessed: none." in text
    assert "Hatched as not assessed: left obturator, right obturator." in describe_diagram(INDETERMINATE)
    assert "Hatched as not assessed: every station." in describe_diagram(REFUSED)
