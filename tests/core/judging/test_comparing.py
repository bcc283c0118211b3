"""Nodes of two studies are paired where the patient has them, and only where the studies can be laid on each other."""

from dataclasses import replace

import numpy as np
import pytest

from base.errors import SettingInvalid
from core.findings import CaseIdentity, Findings, Node, PointLpsMm, StationAssessment
from core.judging.comparing import compare_with_prior, require_earlier_study, with_comparison
from core.judging.laying import turned
from core.judging.repeatability import LABEL_MAP_LIMIT_MM, MODEL_LIMIT_MM
from core.labels import STATION_LABELS
from tests.core.results import FINDINGS, NODE

MOVED_MM = np.array([23.0, -41.0, 118.0])
"""How the patient lies in the second study."""


def station_centres(jitter_mm: float = 0.0) -> tuple[StationAssessment, ...]:
    rng = np.random.default_rng(3)
    return tuple(
        StationAssessment(
            side,  # type: ignore[arg-type]
            station,
            True,
            9000.0,
            None,
            point(np.array([sign * 40.0, 15.0 * label, 10.0 * label]) + rng.normal(0, jitter_mm, 3)),
        )
        for side, sign in (("left", 1), ("right", -1))
        for label, station in STATION_LABELS.items()
    )


def point(position: np.ndarray) -> PointLpsMm:
    return float(position[0]), float(position[1]), float(position[2])


def node(number: int, side: str, at: tuple[float, float, float], short_mm: float) -> Node:
    return replace(
        NODE,
        id=number,
        side=side,  # type: ignore[arg-type]
        centroid_lps_mm=at,
        short_axis_mm=short_mm,
        short_axis_interval_mm=(short_mm - 0.5, short_mm + 0.25),
    )


def study(
    nodes: tuple[Node, ...], name: str = "before", frame: str | None = "1.2.3", jitter_mm: float = 0.0
) -> Findings:
    case = CaseIdentity(name, "1", "1", frame)
    return replace(FINDINGS, case=case, nodes=nodes, assessed=station_centres(jitter_mm), status="positive")


def moved(findings: Findings, frame: str = "4.5.6") -> Findings:
    """Return the same patient lying elsewhere, with the nodes numbered the other way round."""
    count = len(findings.nodes)
    nodes = tuple(
        replace(each, id=count + 1 - each.id, centroid_lps_mm=point(each.centroid_lps_mm + MOVED_MM))
        for each in reversed(findings.nodes)
    )
    assessed = tuple(
        replace(each, centroid_lps_mm=point(np.asarray(each.centroid_lps_mm) + MOVED_MM)) for each in findings.assessed
    )
    case = replace(findings.case, case_id="after", frame_of_reference_uid=frame)
    return replace(findings, case=case, nodes=nodes, assessed=assessed)


BEFORE = study(
    (
        node(1, "left", (41.0, 20.0, 30.0), 8.0),
        node(2, "left", (45.0, 24.0, 5.0), 5.0),
        node(3, "right", (-40.0, 22.0, 29.0), 6.5),
    )
)


@pytest.mark.parametrize(
    ("change_mm", "measurable"), [(0.0, False), (0.9, False), (-0.9, False), (1.2, True), (-1.2, True)]
)
def test_a_change_within_the_limits_of_agreement_is_no_measurable_one(change_mm: float, measurable: bool) -> None:
    by_label_map = replace(BEFORE, model=None)
    first, *others = moved(by_label_map).nodes
    grown = (replace(first, short_axis_mm=first.short_axis_mm + change_mm), *others)
    nodes, comparison, _ = compare_with_prior(replace(moved(by_label_map), nodes=grown), by_label_map)
    assert comparison is not None
    assert comparison.limit_of_agreement_mm == LABEL_MAP_LIMIT_MM
    assert nodes[0].prior is not None
    assert nodes[0].prior.measurable is measurable


def test_two_studies_of_a_model_must_differ_by_more() -> None:
    nodes, comparison, _ = compare_with_prior(moved(BEFORE), BEFORE)
    assert BEFORE.model is not None
    assert comparison is not None
    assert comparison.limit_of_agreement_mm == MODEL_LIMIT_MM > LABEL_MAP_LIMIT_MM
    assert all(node.prior is not None and node.prior.measurable is False for node in nodes)


def test_between_two_methods_there_is_neither_limit_nor_measurable_change() -> None:
    nodes, comparison, _ = compare_with_prior(moved(BEFORE), replace(BEFORE, model=None))
    assert comparison is not None
    assert comparison.limit_of_agreement_mm is None
    assert all(node.prior is not None and node.prior.measurable is None for node in nodes)


def rolled(findings: Findings, turn_deg: float, frame: str = "7.8.9") -> Findings:
    """Return the same patient rolled about the body's long axis, and moved."""
    middle = np.array([3.0, 20.0, 20.0])

    def place(at: PointLpsMm) -> PointLpsMm:
        return point(turned(np.asarray(at), turn_deg, middle) + MOVED_MM)

    return replace(
        findings,
        case=replace(findings.case, case_id="after", frame_of_reference_uid=frame),
        nodes=tuple(replace(each, centroid_lps_mm=place(each.centroid_lps_mm)) for each in findings.nodes),
        assessed=tuple(
            replace(each, centroid_lps_mm=place(each.centroid_lps_mm))
            for each in findings.assessed
            if each.centroid_lps_mm is not None
        ),
    )


@pytest.mark.parametrize("turn_deg", [-10.0, 10.0])
def test_a_patient_who_lies_rolled_keeps_neighbouring_nodes_apart(turn_deg: float) -> None:
    neighbours = (node(1, "left", (62.0, 60.0, 30.0), 8.0), node(2, "left", (57.0, 68.0, 30.0), 5.0))
    before = study((*neighbours, node(3, "right", (-60.0, 62.0, 29.0), 6.5)))
    nodes, comparison, _ = compare_with_prior(rolled(before, turn_deg), before)
    assert comparison is not None
    assert comparison.turn_deg == pytest.approx(turn_deg)
    assert [each.prior.id for each in nodes if each.prior is not None] == [1, 2, 3]
    assert [each.prior.distance_mm for each in nodes if each.prior is not None] == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_node_that_is_gone_lies_where_the_turn_brings_it() -> None:
    now = rolled(BEFORE, 8.0)
    gone = now.nodes[-1]
    _, comparison, _ = compare_with_prior(replace(now, nodes=now.nodes[:-1]), BEFORE)
    assert comparison is not None
    assert comparison.vanished[0].centroid_lps_mm == pytest.approx(gone.centroid_lps_mm)


def test_of_one_side_alone_no_turn_is_told() -> None:
    left = tuple(each for each in station_centres() if each.side == "left")
    before = replace(BEFORE, assessed=left)
    _, comparison, _ = compare_with_prior(rolled(before, 5.0), before)
    assert comparison is not None
    assert (comparison.turn_deg, comparison.pivot_lps_mm) == (0.0, None)


def test_a_patient_who_lies_elsewhere_keeps_every_node() -> None:
    nodes, comparison, warnings = compare_with_prior(moved(BEFORE), BEFORE)
    assert {each.id: each.prior.id for each in nodes if each.prior} == {3: 1, 2: 2, 1: 3}
    assert all(each.prior is not None and each.prior.certain and each.prior.distance_mm < 1e-9 for each in nodes)
    assert comparison is not None
    assert comparison.shift_lps_mm == pytest.approx(tuple(MOVED_MM))
    assert (comparison.landmark_count, comparison.prior_case_id, comparison.vanished) == (6, "before", ())
    assert warnings == ()


def test_the_change_has_the_interval_that_both_studies_allow() -> None:
    after = moved(BEFORE)
    grown = replace(after.nodes[0], short_axis_mm=8.25, short_axis_interval_mm=(8.0, 8.5))
    nodes, _, _ = compare_with_prior(replace(after, nodes=(grown, *after.nodes[1:])), BEFORE)
    prior = nodes[0].prior
    assert prior is not None
    assert (prior.short_axis_mm, prior.change_mm) == (6.5, 1.75)
    assert prior.change_interval_mm == (8.0 - 6.75, 8.5 - 6.0)
    single = replace(grown, short_axis_interval_mm=None)
    nodes, _, _ = compare_with_prior(replace(after, nodes=(single,)), BEFORE)
    assert nodes[0].prior is not None
    assert nodes[0].prior.change_interval_mm is None


def test_new_nodes_have_no_past_and_lost_ones_are_named() -> None:
    after = moved(BEFORE)
    new = node(9, "right", point(np.array([-60.0, 60.0, 60.0]) + MOVED_MM), 4.0)
    nodes, comparison, warnings = compare_with_prior(replace(after, nodes=(after.nodes[1], new)), BEFORE)
    assert [each.prior.id if each.prior else None for each in nodes] == [2, None]
    assert comparison is not None
    assert [(each.id, each.side, each.short_axis_mm) for each in comparison.vanished] == [
        (1, "left", 8.0),
        (3, "right", 6.5),
    ]
    assert warnings == ("nodes 1, 3 of the earlier study not found again: gone, or missed",)


def test_left_is_never_taken_for_right() -> None:
    after = moved(BEFORE)
    other = {"left": "right", "right": "left"}
    swapped = tuple(replace(each, side=other[each.side]) for each in after.nodes)  # type: ignore[arg-type]
    nodes, comparison, _ = compare_with_prior(replace(after, nodes=swapped), BEFORE)
    assert all(each.prior is None for each in nodes)
    assert comparison is not None
    assert len(comparison.vanished) == 3


def test_a_pair_with_a_rival_is_not_certain() -> None:
    before = study((*BEFORE.nodes, node(4, "left", (44.0, 21.0, 30.0), 4.0)))
    after = moved(BEFORE)
    nodes, _, warnings = compare_with_prior(after, before)
    prior = next(each.prior for each in nodes if each.prior and each.prior.id == 1)
    assert not prior.certain
    assert "node 3 may be node 1 of the earlier study, but another lies nearly as close" in warnings


def test_one_frame_of_reference_needs_no_landmarks() -> None:
    bare = replace(BEFORE, assessed=())
    nodes, comparison, _ = compare_with_prior(bare, bare)
    assert [each.prior.id for each in nodes if each.prior] == [1, 2, 3]
    assert comparison is not None
    assert (comparison.landmark_count, comparison.shift_lps_mm) == (0, (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (replace(BEFORE, assessed=BEFORE.assessed[:1]), "1 station wholly seen in both studies"),
        (study(BEFORE.nodes, jitter_mm=30.0), "do not lie on each other"),
        (replace(BEFORE, status="refused", nodes=()), "the earlier study was refused"),
    ],
)
def test_studies_that_cannot_be_laid_on_each_other_are_not_compared(prior: Findings, words: str) -> None:
    after = moved(BEFORE)
    nodes, comparison, warnings = compare_with_prior(after, prior)
    assert nodes == after.nodes
    assert comparison is None
    assert len(warnings) == 1
    assert words in warnings[0]


def test_the_very_same_series_is_no_earlier_study() -> None:
    case = CaseIdentity("now", "1.2", "1.2.3", None)
    prior = replace(FINDINGS, case=replace(case, case_id="before"))
    with pytest.raises(SettingInvalid, match="prior is 'findings of the same series'; allowed: findings of an earlier"):
        require_earlier_study(case, prior.case)
    require_earlier_study(replace(case, series_instance_uid="1.2.4"), prior.case)
    require_earlier_study(case, None)
    bare = replace(case, series_instance_uid=None)
    require_earlier_study(bare, bare)


def test_another_series_of_the_same_study_is_compared_with_a_warning() -> None:
    now, other = (replace(FINDINGS, case=CaseIdentity("c", "1.2", series, "1.9")) for series in ("1.2.3", "1.2.4"))
    assert with_comparison(now, other).warnings[-1].startswith("the earlier findings are of the same study")
    earlier = replace(other, case=replace(other.case, study_instance_uid="1.1"))
    assert not [each for each in with_comparison(now, earlier).warnings if "same study" in each]
