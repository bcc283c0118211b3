"""Figures by subgroup and whether they differ, against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.bootstrap import Bootstrap
from analytics.accuracy.roc import area_under_roc
from analytics.accuracy.subgroups import subgroup_table
from analytics.accuracy.units import Units, units_at
from tests.fixtures.drawing import examples


def _units(patients: pd.DataFrame) -> Units:
    rows = patients.assign(predicted=patients["model"])
    return units_at("patient", rows)


def test_hospitals_have_their_accuracies_and_the_chi_square_test_of_r(
    patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    table = subgroup_table(_units(patients), {"hospital": patients["hospital"], "sex": patients["sex"]})
    expected = r_numbers["subgroups"]
    found = [row.estimate.value for row in table.rows if row.variable == "hospital"]
    assert found == pytest.approx(expected["hospital_accuracy"], rel=1e-9)
    test = table.differences["hospital"]
    assert [test.statistic, test.p_value] == pytest.approx(expected["hospital"], rel=1e-9)
    assert [row.level for row in table.rows] == ["A", "B", "C", "female", "male"]
    assert sum(row.n for row in table.rows if row.variable == "sex") == table.overall.n == 240


def test_stations_of_the_same_patients_take_the_wald_test_with_rs_sandwich(
    nodes: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    units = units_at("node", nodes)
    table = subgroup_table(units, {"station": nodes["station"]})
    expected = r_numbers["subgroups"]
    assert [row.estimate.value for row in table.rows] == pytest.approx(expected["station_accuracy"], rel=1e-9)
    test = table.differences["station"]
    assert [test.statistic, test.p_value] == pytest.approx(expected["station"], rel=1e-8)
    assert "bootstrap by patient" in table.rows[0].estimate.method


def test_areas_under_the_curve_come_by_subgroup_without_a_test(patients: pd.DataFrame) -> None:
    table = subgroup_table(_units(patients), {"sex": patients["sex"]}, "auc")
    women = patients[patients["sex"] == "female"]
    assert table.rows[0].estimate == area_under_roc(women["truth"], women["score"])
    assert table.differences["sex"].note == "not defined: auc is not tested"


def test_units_without_a_subgroup_are_counted_and_one_subgroup_is_not_tested(nodes: pd.DataFrame) -> None:
    units = units_at("node", nodes)
    scanner = pd.Series(np.where(np.arange(len(nodes)) < 10, "x", "1.5 T")).where(np.arange(len(nodes)) >= 10)
    table = subgroup_table(units, {"scanner": scanner})
    assert table.left_out == {"scanner": 10}
    assert table.differences["scanner"].note == "not defined: fewer than two subgroups or patients"


def test_unknown_figures_and_columns_of_another_length_are_refused(patients: pd.DataFrame) -> None:
    units = _units(patients)
    with pytest.raises(ValueError, match="figure is 'kappa'; allowed are accuracy"):
        subgroup_table(units, {}, "kappa")
    with pytest.raises(ValueError, match="sex has 3 values; one per unit is allowed, 240 here"):
        subgroup_table(units, {"sex": ["a", "b", "c"]})
    unscored = units_at("patient", patients.assign(predicted=patients["model"]).drop(columns="score"))
    with pytest.raises(ValueError, match="units have no score; figure 'auc' needs one"):
        subgroup_table(unscored, {}, "auc")


@examples(30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.booleans(), st.booleans(), st.sampled_from(["x", "y", "z", None])), max_size=15
    ),
    st.sampled_from(["accuracy", "sensitivity", "ppv", "mcc", "auc"]),
)
def test_odd_subgroups_give_numbers_or_reasons(rows: list[tuple[int, bool, bool, str | None]], figure: str) -> None:
    patients, truth, predicted, groups = (np.array([row[column] for row in rows], dtype=object) for column in range(4))
    units = Units("node", patients, truth.astype(bool), predicted.astype(bool), predicted.astype(float))
    table = subgroup_table(units, {"group": groups}, figure, plan=Bootstrap(resamples=100))
    assert all(row.estimate.low is not None or row.estimate.note for row in table.rows)
    assert table.differences["group"].defined or table.differences["group"].note
    assert sum(row.n for row in table.rows) + table.left_out["group"] == len(rows)
