from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from analytics.simulation import truth
from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.design import CohortDesign
from analytics.simulation.follow_up import RECURRENCE
from analytics.simulation.true_values import figures, node_sensitivity, true_values

PATIENTS = 60_000


@pytest.fixture(scope="module")
def uncensored() -> Cohort:
    design = CohortDesign()
    follow_up = replace(design.follow_up, least_years=400.0, loss_per_year=1e-12)
    return simulate_cohort(replace(design, follow_up=follow_up, training_patients=0, test_patients=PATIENTS), 21)


def assert_near_share(observed: float, expected: float, n: int) -> None:
    assert abs(observed - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_risk_groups_have_the_shares_that_a_cohort_shows(uncensored: Cohort) -> None:
    groups = truth.risk_groups(uncensored.design)
    assert groups.share.sum() == pytest.approx(1.0)
    for place, share in enumerate(groups.share):
        same = [values == groups.present[name][place] for name, values in uncensored.risk.items()]
        assert_near_share(float(np.all(same, axis=0).mean()), share, PATIENTS)


def test_survival_and_incidence_are_what_a_cohort_without_censoring_shows(uncensored: Cohort) -> None:
    outcomes, values = uncensored.outcomes, true_values(uncensored.design)
    called = uncensored.model.positive
    for months in (36, 60):
        days = months / 12 * 365.25
        assert_near_share(float((outcomes.dfs_days > days).mean()), values[f"DFS at {months} months, all"], PATIENTS)
        positive = values[f"OS at {months} months, model positive"]
        assert_near_share(float((outcomes.overall_days > days)[called].mean()), positive, int(called.sum()))
        recurred = (outcomes.dfs_end == RECURRENCE) & (outcomes.dfs_days <= days)
        assert_near_share(float(recurred.mean()), values[f"recurrence at {months} months"], PATIENTS)
    median_days = values["DFS median, model positive"] / 12 * 365.25
    assert_near_share(float((outcomes.dfs_days[called] > median_days).mean()), 0.5, int(called.sum()))
    restricted = np.minimum(outcomes.overall_days / 365.25 * 12, 60.0)
    tolerance = 4 * restricted.std() / np.sqrt(PATIENTS) + 0.5 / 30
    assert abs(restricted.mean() - values["OS restricted mean to 60 months, all"]) < tolerance


def test_a_single_group_has_weibull_survival_and_its_own_median() -> None:
    design = CohortDesign()
    hazard = replace(design.follow_up.dfs, ratios=(), rate=0.1)
    groups = truth.RiskGroups({"female": np.array([False])}, np.array([1.0]))
    # exp(-0.1 x 3^1.2) = exp(-0.37372) = 0.68817.
    # ln 2 = 0.1 t^1.2 at t = 6.93147^(1 / 1.2) = exp(1.93607 / 1.2) = 5.0198.
    assert truth.survival(design.follow_up, hazard, groups, 3.0) == pytest.approx(0.68817, abs=1e-5)
    assert truth.median_years(design.follow_up, hazard, groups) == pytest.approx(5.0198, abs=1e-4)


def test_two_groups_alone_give_the_ratio_that_the_full_model_has() -> None:
    design = CohortDesign()
    hazard = design.follow_up.dfs
    groups = truth.RiskGroups(
        {name: np.array([False, name == "mrtd"]) for name in truth.RISK_FACTORS}, np.array([0.8, 0.2])
    )
    assert truth.single_log_ratio(design.follow_up, hazard, groups, "mrtd") == pytest.approx(np.log(4.45), abs=1e-6)


def test_half_of_the_patients_are_followed_for_the_median_follow_up() -> None:
    follow_up = replace(CohortDesign().follow_up, loss_per_year=1e-12)
    # Without loss the censoring times are uniform from 3 to 8 years.
    assert truth.median_follow_up_years(follow_up) == pytest.approx(5.5)
    assert truth.still_followed(follow_up, 4.0) == pytest.approx(0.8)


def test_joint_calls_are_bivariate_normal_probabilities() -> None:
    design = CohortDesign()
    first, second = design.readers[0], design.readers[2]
    joint = multivariate_normal(cov=[[1, design.shared_impression], [design.shared_impression, 1]])
    share = truth.prevalence(design)
    both = share * joint.cdf(norm.ppf([first.sensitivity, second.sensitivity]))
    both += (1 - share) * joint.cdf(norm.ppf([1 - first.specificity, 1 - second.specificity]))
    table = truth.joint_calls(design, first, second)
    assert table[1, 1] == pytest.approx(both, abs=1e-5)
    assert table.sum() == pytest.approx(1.0)
    assert table[1].sum() == pytest.approx(share * first.sensitivity + (1 - share) * (1 - first.specificity))


def test_model_and_senior_agree_as_in_the_paper() -> None:
    assert true_values(CohortDesign())["kappa of senior and model"] == pytest.approx(0.64, abs=0.005)


def test_kappa_of_a_worked_table() -> None:
    # Observed 0.7; by chance 0.6 x 0.5 + 0.4 x 0.5 = 0.5; (0.7 - 0.5) / 0.5 = 0.4.
    assert truth.kappa(np.array([[0.4, 0.2], [0.1, 0.3]])) == pytest.approx(0.4)


def test_two_raters_fleiss_kappa_and_ac1_follow_their_formulas() -> None:
    design = CohortDesign()
    pair = design.readers[:2]
    table = truth.joint_calls(design, *pair)
    observed, positive = np.trace(table), (table[1].sum() + table[:, 1].sum()) / 2
    by_chance = positive**2 + (1 - positive) ** 2
    assert truth.fleiss_kappa(design, pair) == pytest.approx((observed - by_chance) / (1 - by_chance))
    by_chance = 2 * positive * (1 - positive)
    assert truth.gwet_ac1(design, pair) == pytest.approx((observed - by_chance) / (1 - by_chance))


def test_the_papers_own_table_comes_back_from_its_shares() -> None:
    rater = CohortDesign().model
    of_480 = figures(61 / 480, rater)
    assert of_480["accuracy"] == pytest.approx(420 / 480)
    assert of_480["ppv"] == pytest.approx(45 / 89)
    assert of_480["npv"] == pytest.approx(375 / 391)
    assert of_480["f1"] == pytest.approx(90 / 150)


def test_node_sensitivity_is_what_a_cohort_shows(uncensored: Cohort) -> None:
    reported = uncensored.model_nodes
    found = np.zeros(len(uncensored.nodes.patient), dtype=bool)
    known = reported.true_node >= 0
    found[reported.true_node[known]] = reported.positive[known]
    of_positive = found[uncensored.nodes.positive]
    # Nodes of one patient go together: at most three times the variance of independent ones.
    expected = node_sensitivity(uncensored.design)
    assert abs(of_positive.mean() - expected) < 4 * np.sqrt(3 * expected * (1 - expected) / len(of_positive))
