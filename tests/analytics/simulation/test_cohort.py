from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.design import CohortDesign
from analytics.simulation.design_parts import MissingDesign
from analytics.simulation.follow_up import CENSORED, DEATH, RECURRENCE, draw_positive_stable
from analytics.simulation.nodes import leading_nodes
from analytics.simulation.true_values import true_values

PATIENTS = 60_000


@pytest.fixture(scope="module")
def large() -> Cohort:
    return simulate_cohort(replace(CohortDesign(), training_patients=0, test_patients=PATIENTS), 11)


@pytest.fixture(scope="module")
def truth(large: Cohort) -> dict[str, float]:
    return true_values(large.design)


def assert_share(mask: np.ndarray[Any, Any], expected: float) -> None:
    """Four standard errors: a false alarm in 16,000."""
    tolerance = 4 * np.sqrt(expected * (1 - expected) / len(mask))
    assert abs(float(mask.mean()) - expected) < tolerance


def arrays_of(value: Any) -> list[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [array for item in value.values() for array in arrays_of(item)]
    if is_dataclass(value):
        return [array for item in fields(value) for array in arrays_of(getattr(value, item.name))]
    return []


def test_one_seed_gives_one_cohort_and_another_seed_another() -> None:
    first, again, other = (simulate_cohort(CohortDesign(), seed) for seed in (5, 5, 6))
    pairs = list(zip(arrays_of(first), arrays_of(again), strict=True))
    assert len(pairs) > 40
    assert all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    assert not np.array_equal(first.outcomes.dfs_days, other.outcomes.dfs_days)


def test_training_and_external_patients_come_from_their_own_hospitals() -> None:
    cohort = simulate_cohort(CohortDesign(), 1)
    external = np.array([hospital.external for hospital in cohort.design.hospitals])[cohort.patients.hospital]
    assert not external[:1000].any()
    assert external[1000:].all()
    assert len(external) == 1480
    assert set(cohort.patients.hospital) == {0, 1, 2, 3, 4}


def test_every_level_of_every_covariate_has_its_share() -> None:
    even = tuple(replace(hospital, severity=0.0) for hospital in CohortDesign().hospitals)
    cohort = simulate_cohort(replace(CohortDesign(), hospitals=even, training_patients=0, test_patients=PATIENTS), 2)
    for covariate in cohort.design.graded:
        for level, share in enumerate(covariate.shares):
            assert_share(cohort.patients.graded[covariate.name] == level, share)
    assert_share(cohort.patients.node_positive, 61 / 480)
    age = cohort.patients.measured["age_years"]
    assert abs(age.mean() - 60) < 4 * 11 / np.sqrt(PATIENTS)
    # ln(5 / 3.5) / 0.9 = 0.3963, above which a normal value lies in 34.59 %; the cut is at 5.05 because CEA is rounded.
    assert_share(cohort.patients.measured["cea_ng_ml"] >= 5.05, 0.3419)


def test_signs_of_a_severe_tumour_go_together_and_pcr_goes_the_other_way(large: Cohort) -> None:
    graded = large.patients.graded
    assert np.corrcoef(graded["mrtd"], large.patients.node_positive)[0, 1] > 0.1
    assert np.corrcoef(graded["mremvi"], graded["mrcrm"])[0, 1] > 0.1
    assert np.corrcoef(graded["pcr"], graded["mrt"])[0, 1] < -0.05
    assert abs(np.corrcoef(graded["sex"], graded["mrt"])[0, 1]) < 4 / np.sqrt(PATIENTS)


def test_every_node_is_positive_by_size_or_by_both_features_and_makes_its_patient_positive(large: Cohort) -> None:
    nodes = large.nodes
    by_rule = (nodes.short_axis_mm >= 7.0) | (nodes.irregular_border & nodes.heterogeneous_signal)
    assert np.array_equal(nodes.positive, by_rule)
    positive_patients = np.zeros(PATIENTS, dtype=bool)
    positive_patients[nodes.patient[nodes.positive]] = True
    assert np.array_equal(positive_patients, large.patients.node_positive)
    assert np.array_equal(positive_patients, large.reference.positive)
    assert_share(nodes.left, 0.5)
    for region, share in enumerate(large.design.nodes.region_shares):
        assert_share(nodes.region == region, share)
    assert_share(nodes.short_axis_mm[nodes.positive] < 7.0, 0.15)


def test_the_leading_node_is_the_largest_positive_one_else_the_largest(large: Cohort) -> None:
    nodes = replace(large.nodes, patient=np.array([0, 0, 2, 2]), short_axis_mm=np.array([6.0, 9.0, 4.0, 5.0]),
                    positive=np.array([True, False, False, False]), region=np.array([0, 1, 2, 1]))  # fmt: skip
    leading = leading_nodes(nodes, 3)
    assert leading.node.tolist() == [0, -1, 3]
    assert leading.region.tolist() == [0, -1, 1]
    assert leading.positive.tolist() == [True, False, False]
    assert np.isnan(leading.short_axis_mm[1])


def test_readers_and_model_have_the_skill_that_was_set(large: Cohort, truth: dict[str, float]) -> None:
    positive = large.reference.positive
    for rater, read in (
        (large.design.model, large.model),
        *zip(large.design.readers, large.readers.values(), strict=True),
    ):
        assert_share(read.positive[positive], rater.sensitivity)
        assert_share(~read.positive[~positive], rater.specificity)
        both = read.reported & large.reference.present
        assert_share(read.region[both] == large.reference.region[both], rater.region_accuracy)
        error = read.short_axis_mm[both] - large.reference.short_axis_mm[both]
        assert abs(error.mean() - rater.short_axis_bias_mm) < 4 * rater.short_axis_spread_mm / np.sqrt(both.sum())
        spread_tolerance = 4 * rater.short_axis_spread_mm / np.sqrt(2 * both.sum())
        assert abs(error.std() - rater.short_axis_spread_mm) < spread_tolerance
    assert_share(positive, truth["prevalence"])


def test_the_models_probability_is_calibrated(large: Cohort) -> None:
    chance, positive = large.model.probability, large.reference.positive
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1.0)):
        inside = (chance >= low) & (chance < high)
        expected = chance[inside].mean()
        assert abs(positive[inside].mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / inside.sum())


def test_the_models_leading_reported_node_is_what_was_read(large: Cohort) -> None:
    nodes, read = large.model_nodes, large.model
    order = np.lexsort((nodes.short_axis_mm, nodes.positive, nodes.patient))
    leading = np.full(PATIENTS, -1)
    leading[nodes.patient[order]] = order
    assert np.array_equal(leading >= 0, read.reported)
    there = leading >= 0
    assert np.array_equal(nodes.positive[leading[there]], read.positive[there])
    assert np.array_equal(nodes.region[leading[there]], read.region[there])
    assert np.array_equal(nodes.short_axis_mm[leading[there]], read.short_axis_mm[there])
    known = nodes.true_node >= 0
    assert np.array_equal(nodes.left[known], large.nodes.left[nodes.true_node[known]])
    assert np.array_equal(nodes.patient[known], large.nodes.patient[nodes.true_node[known]])


@pytest.mark.parametrize(("endpoint", "seed"), [("dfs", 3), ("overall", 4)])
def test_another_program_recovers_the_hazard_ratios(endpoint: str, seed: int) -> None:
    cohort = simulate_cohort(replace(CohortDesign(), training_patients=0, test_patients=20_000), seed)
    outcomes, hazard = cohort.outcomes, getattr(cohort.design.follow_up, endpoint)
    days = outcomes.dfs_days if endpoint == "dfs" else outcomes.overall_days
    event = outcomes.dfs_end != CENSORED if endpoint == "dfs" else outcomes.died
    table = {name: values.astype(float) for name, values in cohort.risk.items()}
    fit = CoxPHFitter().fit(pd.DataFrame({**table, "days": days, "event": event}), "days", "event")
    for name, error in fit.standard_errors_.items():
        assert abs(fit.params_[name] - hazard.log_ratio(name)) < 4 * error


def test_recurrence_death_and_censoring_are_in_order(large: Cohort) -> None:
    outcomes = large.outcomes
    assert (outcomes.dfs_days >= 1).all()
    assert (outcomes.dfs_days <= outcomes.overall_days).all()
    died_free = outcomes.dfs_end == DEATH
    assert (outcomes.dfs_days[died_free] == outcomes.overall_days[died_free]).all()
    assert outcomes.died[died_free].all()
    assert not outcomes.recurred_before_death[died_free].any()
    assert outcomes.recurred_before_death[outcomes.died & (outcomes.dfs_end == RECURRENCE)].all()
    censored = outcomes.dfs_end == CENSORED
    assert not outcomes.died[censored].any()
    assert (outcomes.overall_days[censored] == outcomes.dfs_days[censored]).all()


def test_follow_up_ends_with_the_study(large: Cohort) -> None:
    plan, outcomes = large.design.follow_up, large.outcomes
    last_day = np.ceil((plan.accrual_years + plan.least_years) * 365.25)
    assert (outcomes.start_day + outcomes.overall_days <= last_day).all()
    assert outcomes.start_day.min() >= 0


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.9, 1.0])
def test_the_shared_frailty_has_the_laplace_transform_of_a_positive_stable_law(alpha: float) -> None:
    drawn = draw_positive_stable(np.random.default_rng(8), alpha, 100_000)
    for argument in (0.1, 1.0, 3.0):
        transformed = np.exp(-argument * drawn)
        tolerance = 4 * transformed.std() / np.sqrt(len(drawn)) + 1e-12
        assert abs(transformed.mean() - np.exp(-(argument**alpha))) < tolerance


def test_values_are_missing_at_the_set_rate_and_more_often_in_the_old_on_request() -> None:
    design = replace(CohortDesign(), training_patients=0, test_patients=PATIENTS)
    at_random = simulate_cohort(design, 9).missing
    for mask in at_random.covariates.values():
        assert_share(mask, 0.03)
    assert_share(at_random.follow_up, 0.01)
    by_age = simulate_cohort(replace(design, missing=MissingDesign(age_slope=0.7)), 9)
    old = by_age.patients.measured["age_years"] > 60
    mask = by_age.missing.covariates["mrtd"]
    assert mask[old].mean() > 2 * mask[~old].mean()


def test_a_design_in_which_death_would_come_before_the_end_of_dfs_is_refused() -> None:
    follow_up = CohortDesign().follow_up
    too_deadly = replace(follow_up, overall=replace(follow_up.overall, rate=0.02))
    with pytest.raises(ValueError, match=r"with female, model_positive, mrcrm death is no rarer .* allowed: rarer"):
        replace(CohortDesign(), follow_up=too_deadly)


def test_a_share_above_1_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"share of missing follow-up is 1\.2; allowed: 0 to 1"):
        replace(CohortDesign(), missing=MissingDesign(follow_up_share=1.2))
    with pytest.raises(ValueError, match="model errs never or always"):
        replace(CohortDesign(), model=replace(CohortDesign().model, sensitivity=1.0))
