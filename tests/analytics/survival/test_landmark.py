from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.errors import InvalidCovariate, InvalidFollowup
from analytics.survival.landmark import landmark
from analytics.survival.times import Followup


def test_those_before_the_landmark_are_left_out_by_reason_and_the_clock_starts_there() -> None:
    followup = Followup(np.array([2.0, 3, 6, 7, 9]), np.array([1, 0, 1, 0, 2]))
    found = landmark(followup, 6, known_at=np.array([1, 1, 1, 5, np.nan]))
    assert found.followup.time.tolist() == [1]
    assert (found.events_before, found.censored_before, found.unknown) == (2, 1, 1)
    assert found.rows.tolist() == [False, False, False, True, False]


def test_the_model_after_the_landmark_is_that_of_r(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    found = landmark(followup, 6)
    model = cox(found.followup, design(cohort[found.rows], [Number("lln")]))
    assert (model.n, model.n_events) == (expected["landmark"]["n"], expected["landmark"]["events"])
    np.testing.assert_allclose([model.beta[0]], [expected["landmark"]["coef"]], rtol=1e-9)


def test_a_covariate_known_after_treatment_is_refused_without_a_landmark(
    cohort: pd.DataFrame, followup: Followup
) -> None:
    later = Number("lln", known_from=6)
    with pytest.raises(InvalidCovariate, match="lln is known from 6 months on, the clock starts at 0; use a landmark"):
        cox(followup, design(cohort, [later]))
    found = landmark(followup, 6)
    assert cox(found.followup, design(cohort[found.rows], [later])).n == int(found.rows.sum())


def test_a_landmark_can_follow_a_landmark(followup: Followup) -> None:
    twice = landmark(landmark(followup, 6).followup, 12).followup
    np.testing.assert_array_equal(twice.time, landmark(followup, 12).followup.time)


def test_impossible_landmarks_are_refused(followup: Followup) -> None:
    with pytest.raises(InvalidFollowup, match="a landmark has to lie after 0 months, got 0"):
        landmark(followup, 0)
    with pytest.raises(InvalidFollowup, match="nobody was observed beyond the landmark at 500 months"):
        landmark(followup, 500)
