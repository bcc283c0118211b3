import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.errors import InvalidCovariate
from analytics.survival.logrank import holm
from analytics.survival.strata import Stratification, StudyColumns, analyse_strata, study_stratifications
from analytics.survival.times import Followup

COLUMNS = StudyColumns(
    status="lln_status",
    reader_status="sex",
    region=None,
    short_axis=None,
    stage="mrn",
    jointly_with=("mrcrm", "mremvi"),
)


def test_one_setting_names_every_stratification_of_the_study() -> None:
    assert [item.name for item in study_stratifications()] == [
        "model_status",
        "reader_status",
        "region",
        "short_axis_group",
        "model_status within mrn",
        "model_status and mrtd",
        "model_status and mrcrm",
        "model_status and mremvi",
    ]


def test_every_panel_has_its_curves_tests_and_hazard_ratios(
    expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    panels = analyse_strata(followup, cohort, study_stratifications(COLUMNS), [12, 24, 36, 60])
    assert [(panel.stratification, panel.level) for panel in panels] == [
        ("lln_status", "all"),
        ("sex", "all"),
        ("lln_status within mrn", "mrn = 0"),
        ("lln_status within mrn", "mrn = 1"),
        ("lln_status within mrn", "mrn = 2"),
        ("lln_status and mrcrm", "all"),
        ("lln_status and mremvi", "all"),
    ]
    first = panels[0]
    at_risk = [count for group in first.groups for count in group.at_risk.tolist()]
    assert at_risk == expected["kaplan_meier"][0]["n_risk"]
    model = cox(followup, design(cohort, [Number("lln")]))
    assert first.hazard_ratios[0].hazard_ratio.value == pytest.approx(math.exp(model.beta[0]), rel=1e-12)
    assert first.hazard_ratios[0].column == "group = positive"
    assert sum(panel.n for panel in panels[2:5]) == len(cohort)
    joint = panels[5]
    assert [group.label for group in joint.groups] == [
        "lln_status = negative, mrcrm = 0",
        "lln_status = negative, mrcrm = 1",
        "lln_status = positive, mrcrm = 0",
        "lln_status = positive, mrcrm = 1",
    ]
    assert len(joint.pairs) == 6
    assert [panel.p_holm for panel in panels] == list(holm([panel.test.p_value for panel in panels]))


def test_a_panel_that_cannot_be_tested_says_why_and_the_others_go_on() -> None:
    followup = Followup(np.array([1.0, 2, 3, 4, 5, 6]), np.array([1, 0, 1, 1, 0, 0]))
    table = pd.DataFrame({"status": ["n", "p", "n", "p", "n", "n"], "stage": [0, 0, 0, 0, 1, 1]})
    inside, alone = analyse_strata(followup, table, [Stratification("status within stage", ("status",), "stage")], [3])
    assert inside.problem is None
    assert alone.problem == "covariate group has one level only among the patients analysed: ['n']"
    assert alone.test.note == "no event while two groups were at risk"
    assert math.isnan(alone.p_holm)
    assert inside.p_holm == inside.test.p_value


def test_separated_groups_get_a_finite_hazard_ratio() -> None:
    followup = Followup(np.arange(1.0, 21), np.tile([1, 0], 10))
    table = pd.DataFrame({"status": np.where(np.tile([1, 0], 10), "p", "n")})
    (panel,) = analyse_strata(followup, table, [Stratification("status", ("status",))], [3])
    assert panel.hazard_ratios[0].hazard_ratio.method.startswith("hazard ratio of group = p, Firth's penalty")


def test_missing_levels_are_left_out_and_counted(followup: Followup, cohort: pd.DataFrame) -> None:
    table = cohort.assign(lln_status=cohort.lln_status.where(cohort.age > 50))
    (panel,) = analyse_strata(followup, table, [Stratification("status", ("lln_status",))], [24])
    assert panel.n_missing == int((cohort.age <= 50).sum())
    assert panel.n + panel.n_missing == len(cohort)


def test_a_categorical_column_keeps_its_order_and_reference(followup: Followup, cohort: pd.DataFrame) -> None:
    table = cohort.assign(lln_status=pd.Categorical(cohort.lln_status, ["positive", "negative"]))
    (panel,) = analyse_strata(followup, table, [Stratification("status", ("lln_status",))], [24])
    assert [group.label for group in panel.groups] == ["positive", "negative"]


def test_a_column_that_is_not_there_is_named(followup: Followup, cohort: pd.DataFrame) -> None:
    with pytest.raises(InvalidCovariate, match="stratification model_status: model_status is not a column"):
        analyse_strata(followup, cohort, study_stratifications(), [24])
