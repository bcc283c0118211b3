import numpy as np
import pandas as pd
import pytest

from analytics.survival.comparison import compare_groups, horizon_of
from analytics.survival.competing import CumulativeIncidence
from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.gray import gray_test
from analytics.survival.kaplan_meier import KaplanMeier
from analytics.survival.logrank import log_rank
from analytics.survival.proportional_hazards import proportional_hazards_test
from analytics.survival.times import Followup, group_by

# Half of each group die, the first group within five months and the second after thirty: the hazards cross.
CROSSING = Followup(
    np.array([1.0, 2, 3, 4, 5, *[60] * 5, 31, 32, 33, 34, 35, *[60] * 5]),
    np.array([1] * 5 + [0] * 5 + [1] * 5 + [0] * 5),
)
ARMS = group_by(["a"] * 10 + ["b"] * 10)


def test_a_figure_holds_what_each_analysis_gives_by_itself(cohort: pd.DataFrame, followup: Followup) -> None:
    alone, groups = followup.of_cause(1), group_by(cohort.lln_status)
    found = compare_groups(alone, groups, [12, 36, 60])
    model = cox(alone, design(cohort, [Number("lln")]))
    assert found.test == log_rank(alone, groups).test
    assert found.hazard_ratios[0].label == "positive"
    assert found.hazard_ratios[0].ratio.value == pytest.approx(np.exp(model.beta[0]), rel=1e-12)
    assert found.proportional_hazards is not None
    proportional = proportional_hazards_test(model).overall
    assert found.proportional_hazards.statistic == pytest.approx(proportional.statistic, rel=1e-10)
    assert [type(group.curve) for group in found.groups] == [KaplanMeier, KaplanMeier]
    assert (found.competing, found.pairs) == (False, ())


def test_a_hazard_ratio_stands_alone_while_nothing_speaks_against_proportional_hazards(
    cohort: pd.DataFrame, followup: Followup
) -> None:
    found = compare_groups(followup.of_cause(1), group_by(cohort.lln_status), [36])
    assert found.proportional
    assert found.restricted_means == ()
    assert found.hazard_ratios[0].ratio.note is None


def test_crossing_hazards_have_no_single_ratio_and_are_compared_by_restricted_means() -> None:
    found = compare_groups(CROSSING, ARMS, [12, 48, 500])
    assert not found.proportional
    note = found.hazard_ratios[0].ratio.note
    assert (
        note
        == "hazards are not proportional: no single number, an average over the follow-up; see the restricted means"
    )
    (mean,) = found.restricted_means
    assert (mean.label, mean.horizon) == ("b", 48)
    # Nobody is censored before 48 months: (165 + 5 x 48) / 10 less (15 + 5 x 48) / 10 months.
    assert mean.difference.value == pytest.approx(40.5 - 25.5, rel=1e-12)


def test_restricted_means_of_several_groups_are_all_against_the_first() -> None:
    third = Followup(np.append(CROSSING.time, [33.0, 50]), np.append(CROSSING.event, [1, 0]))
    found = compare_groups(third, group_by(["a"] * 10 + ["b"] * 10 + ["c"] * 2), [48])
    assert [(each.label, each.horizon) for each in found.restricted_means] == [("b", 48), ("c", 48)]


@pytest.mark.parametrize(("times", "horizon"), [((12.0, 36.0, 500.0), 36.0), ((500.0,), 40.0), ((), 40.0)])
def test_the_horizon_is_the_last_named_time_that_all_reach_else_the_end_of_the_shortest_follow_up(
    times: tuple[float, ...], horizon: float
) -> None:
    arms = [Followup(np.array([10.0, 60]), np.array([1, 0])), Followup(np.array([10.0, 40]), np.array([1, 0]))]
    assert horizon_of(arms, times) == horizon


def test_competing_events_give_incidences_and_gray_s_test_alone(cohort: pd.DataFrame, followup: Followup) -> None:
    groups = group_by(cohort.mrn)
    found = compare_groups(followup, groups, [12])
    assert found.test == gray_test(followup, groups)
    assert found.competing
    assert [type(group.curve) for group in found.groups] == [CumulativeIncidence] * 3
    assert (found.hazard_ratios, found.pairs, found.problem) == ((), (), None)


def test_several_groups_are_compared_pair_by_pair_and_keep_their_order(
    cohort: pd.DataFrame, followup: Followup
) -> None:
    groups = group_by(cohort.mrn.astype(str), ("2", "none", "1", "0"))
    found = compare_groups(followup.of_cause(1), groups, [12])
    assert [group.label for group in found.groups] == ["2", "1", "0"]
    assert [each.label for each in found.hazard_ratios] == ["1", "0"]
    assert len(found.pairs) == 3


def test_separated_groups_get_a_finite_hazard_ratio() -> None:
    followup = Followup(np.arange(1.0, 21), np.tile([1, 0], 10))
    found = compare_groups(followup, group_by(np.where(np.tile([1, 0], 10), "p", "n")), [3])
    assert found.hazard_ratios[0].ratio.method.startswith("hazard ratio of group = p, Firth's penalty")
    assert found.proportional_hazards is None
    assert found.proportional


def test_no_event_leaves_curves_and_says_why_there_is_no_ratio() -> None:
    found = compare_groups(Followup(np.array([1.0, 2, 3]), np.zeros(3, dtype=int)), group_by(["a", "b", "a"]), [1])
    assert found.problem == "a Cox model needs at least one event, got none among 3 patients"
    assert not found.test.defined
    assert [group.at_times[0].value for group in found.groups] == [1, 1]


def test_one_group_alone_has_its_curve_and_says_why_it_is_not_compared() -> None:
    found = compare_groups(Followup(np.array([1.0, 2, 3]), np.array([1, 0, 1])), group_by(["a", "a", "a"]), [1])
    assert found.problem == "covariate group has one level only among the patients analysed: ['a']"
    assert found.test.note == "no event while two groups were at risk"
