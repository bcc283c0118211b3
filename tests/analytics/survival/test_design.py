import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Category, Covariate, Number, covariates_of, design
from analytics.survival.errors import InvalidCovariate
from analytics.survival.times import Followup

TABLE = pd.DataFrame(
    {"age": [60, 70, np.nan, 50], "grade": ["low", "high", "low", None], "text": ["a", "b", "c", "d"], "one": [1] * 4}
)


def test_levels_become_columns_against_the_first() -> None:
    found = design(TABLE, [Category("text", ("b", "a", "c", "d"))])
    assert found.columns == ("text = a", "text = c", "text = d")
    np.testing.assert_array_equal(found.matrix, [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_only_patients_with_every_covariate_count_and_the_missing_are_told() -> None:
    found = design(TABLE, [Number("age", per=10), Category("grade", ("low", "high"))])
    assert found.complete.tolist() == [True, True, False, False]
    assert found.missing == {"age": 1, "grade": 1}
    np.testing.assert_array_equal(found.matrix, [[6, 0], [7, 1]])


def test_patients_who_are_not_eligible_are_left_out() -> None:
    found = design(TABLE, [Number("one")], eligible=np.array([True, False, True, True]))
    assert len(found.matrix) == 3


def test_some_terms_of_a_design_keep_its_patients() -> None:
    found = design(TABLE, [Number("age"), Category("text", ("a", "b", "c", "d"))]).only(["text"])
    assert found.columns == ("text = b", "text = d")
    assert len(found.matrix) == 3
    assert found.missing == {}


@pytest.mark.parametrize(
    ("covariate", "message"),
    [
        (Number("cea"), "covariate cea is not a column of the table"),
        (Number("text"), "covariate text has values that are not numbers"),
        (Category("text", ("a", "b")), "covariate text has levels c, d; allowed are a, b"),
        (Category("one", ("1", "2")), r"covariate one has one level only among the patients analysed: \['1'\]"),
    ],
)
def test_covariates_that_do_not_fit_are_refused_by_name(covariate: Covariate, message: str) -> None:
    with pytest.raises(InvalidCovariate, match=message):
        design(TABLE, [covariate])


def test_infinite_values_are_refused() -> None:
    with pytest.raises(InvalidCovariate, match="covariate x has infinite values"):
        design(pd.DataFrame({"x": [1, np.inf]}), [Number("x")])


def test_kinds_of_covariates_follow_from_the_columns() -> None:
    table = TABLE.assign(flag=[True, False, True, True], ordered=pd.Categorical(["y", "x", "y", "x"], ["y", "x"]))
    assert covariates_of(table, ["age", "grade", "flag", "ordered"]) == (
        Number("age"),
        Category("grade", ("high", "low")),
        Category("flag", ("False", "True")),
        Category("ordered", ("y", "x")),
    )
    with pytest.raises(InvalidCovariate, match="covariate cea is not a column"):
        covariates_of(table, ["cea"])


def test_follow_up_of_other_patients_is_refused() -> None:
    followup = Followup(np.array([1.0, 2]), np.array([1, 0]))
    with pytest.raises(InvalidCovariate, match="the follow-up has 2 rows, the covariates have 4, 3 of them complete"):
        cox(followup, design(TABLE, [Number("age")]))
