"""Restricted cubic splines against Hmisc and survival (tests/reference/splines.R)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.errors import UnusableCovariate
from analytics.survival.splines import Spline, nonlinearity_test, spline_of
from analytics.survival.times import Followup


@pytest.fixture(scope="module")
def reference() -> Any:
    path = Path(__file__).resolve().parents[2] / "reference" / "splines.json"
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", ["age", "cea"])
def test_knots_basis_and_test_are_those_of_r(
    name: str, reference: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    expected, values = reference[name], cohort[name].astype(float)
    known = np.asarray(values.dropna(), dtype=np.float64)
    spline = spline_of(known)
    np.testing.assert_allclose(spline.knots, expected["knots"], rtol=1e-12)
    np.testing.assert_allclose(spline.basis(known[:1])[0], expected["first"], rtol=1e-9)
    found = nonlinearity_test(followup, values)
    assert [found.statistic, found.p_value] == pytest.approx([expected["lr"], expected["p"]], rel=1e-8)
    assert found.degrees_of_freedom == 2


def test_a_spline_is_a_line_beyond_its_knots() -> None:
    spline = Spline(np.array([1.0, 2.0, 4.0, 8.0]))
    far = spline.basis(np.array([10.0, 11.0, 12.0]))
    np.testing.assert_allclose(np.diff(far, n=2, axis=0), 0, atol=1e-9)
    assert (spline.basis(np.array([0.5])) == 0).all()


def test_too_few_values_for_the_knots_are_said(followup: Followup) -> None:
    with pytest.raises(UnusableCovariate, match="too few different values for the four knots"):
        nonlinearity_test(followup, pd.Series(np.arange(len(followup)) % 2, dtype=float))
