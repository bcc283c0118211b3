import numpy as np
import pandas as pd
import pytest

from analytics.survival.comparison import compare_groups
from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.gray import gray_test
from analytics.survival.kaplan_meier import restricted_mean
from analytics.survival.proportional_hazards import proportional_hazards_test
from analytics.survival.times import Followup, group_by


def test_a_figure_holds_what_each_analysis_gives_by_itself(cohort: pd.DataFrame, followup: Followup) -> None:
    groups = group_by(cohort.lln_status)
    found = compare_groups(followup, groups, [12, 36, 60])
    model = cox(followup, design(cohort, [Number("lln")]))
    assert found.hazard_ratios[0].coefficient == pytest.approx(model.beta[0], rel=1e-12)
    assert found.proportional_hazards is not None
    proportional = proportional_hazards_test(model).overall
    assert found.proportional_hazards.statistic == pytest.approx(proportional.statistic, rel=1e-10)
    assert found.gray == gray_test(followup, groups)
    assert (found.n, found.n_events, found.pairs) == (240, 124, ())


def test_restricted_means_go_to_the_last_time_that_every_group_reached(
    cohort: pd.DataFrame, followup: Followup
) -> None:
    groups = group_by(cohort.lln_status)
    reference, other = compare_groups(followup, groups, [12, 36, 500]).restricted_means
    arms = [restricted_mean(followup.take(rows), 36) for _, rows in groups]
    assert [reference.mean, other.mean] == arms
    assert reference.difference is None
    assert other.difference is not None
    assert other.difference.value == pytest.approx(arms[1].value - arms[0].value, rel=1e-12)


def test_without_other_causes_there_is_no_competing_part(cohort: pd.DataFrame, followup: Followup) -> None:
    found = compare_groups(followup.of_cause(1), group_by(cohort.mrn), [12])
    assert found.gray is None
    assert [group.incidence for group in found.groups] == [None, None, None]
    assert len(found.pairs) == 3


def test_no_event_leaves_curves_and_says_why_there_is_no_ratio() -> None:
    found = compare_groups(Followup(np.array([1.0, 2, 3]), np.zeros(3, dtype=int)), group_by(["a", "b", "a"]), [1])
    assert found.problem == "a Cox model needs at least one event, got none among 3 patients"
    assert not found.test.defined
    assert [group.survival[0].value for group in found.groups] == [1, 1]
