"""The true parameters of a design, exactly: by closed forms over the groups that its risk factors make.

They are those of the external test, whose patients a study analyses. Severity is integrated out by Gauss-Hermite
quadrature, given which covariates, lateral status and calls are independent of one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from analytics.simulation.design import CohortDesign
from analytics.simulation.design_parts import RaterDesign
from analytics.simulation.follow_up_design import FollowUpDesign, Hazard
from analytics.simulation.nodes import BoolArray, FloatArray

_QUADRATURE: Final = 96
RISK_FACTORS: Final = ("female", "model_positive", "mrtd", "mrcrm")


@dataclass(frozen=True)
class RiskGroups:
    """Patients by their risk factors; arrays have shape (groups,)."""

    present: dict[str, BoolArray]
    share: FloatArray
    """Of all patients of the groups; adds up to 1."""

    def where(self, factor: str, there: bool) -> "RiskGroups":
        """Return the groups with or without one factor, their shares adding up to 1 again."""
        keep = self.present[factor] == there
        share = self.share[keep] / self.share[keep].sum()
        return RiskGroups({name: values[keep] for name, values in self.present.items()}, share)

    def rates(self, hazard: Hazard) -> FloatArray:
        """Return the cumulative hazard of each group at one year."""
        logs = sum(hazard.log_ratio(name) * values for name, values in self.present.items())
        return np.asarray(hazard.rate * np.exp(logs))


def prevalence(design: CohortDesign) -> float:
    """Return the share of patients of the external test with a positive node."""
    severity, weight = _severities(design)
    return float(weight @ _above(severity, design.nodes.loading, 1 - design.nodes.prevalence))


def risk_groups(design: CohortDesign) -> RiskGroups:
    """Return every combination of risk factors with its share of the patients of the external test."""
    severity, weight = _severities(design)
    positive = _above(severity, design.nodes.loading, 1 - design.nodes.prevalence)
    called = positive * design.model.sensitivity + (1 - positive) * (1 - design.model.specificity)
    by_name = {covariate.name: covariate for covariate in design.graded}
    chance = {"model_positive": called}
    for factor, name in (("female", "sex"), ("mrtd", "mrtd"), ("mrcrm", "mrcrm")):
        chance[factor] = _above(severity, by_name[name].loading, by_name[name].shares[0])
    patterns = np.array(list(product((False, True), repeat=len(RISK_FACTORS))))
    shares = [
        weight @ np.prod([chance[f] if there else 1 - chance[f] for f, there in zip(RISK_FACTORS, row, strict=True)], 0)
        for row in patterns
    ]
    return RiskGroups(dict(zip(RISK_FACTORS, patterns.T, strict=True)), np.array(shares))


def survival(follow_up: FollowUpDesign, hazard: Hazard, groups: RiskGroups, years: float) -> float:
    """Return S(t) of all groups together."""
    return float(groups.share @ np.exp(-groups.rates(hazard) * years**follow_up.shape))


def median_years(follow_up: FollowUpDesign, hazard: Hazard, groups: RiskGroups) -> float:
    """Return the time at which half have had the event."""
    return float(brentq(lambda years: survival(follow_up, hazard, groups, years) - 0.5, 0.0, 1000.0, xtol=1e-12))


def restricted_mean_years(follow_up: FollowUpDesign, hazard: Hazard, groups: RiskGroups, horizon: float) -> float:
    """Return the mean time without the event, counted up to the horizon."""
    return float(quad(lambda years: survival(follow_up, hazard, groups, years), 0.0, horizon, epsabs=1e-10)[0])


def recurrence_incidence(follow_up: FollowUpDesign, groups: RiskGroups, years: float) -> float:
    """Return the cumulative incidence of recurrence, with death without recurrence as the competing event."""
    whole, death = groups.rates(follow_up.dfs), groups.rates(follow_up.overall)
    recurrent = 1 - (death / whole) ** (1 / follow_up.alpha)
    return float(groups.share @ (recurrent * (1 - np.exp(-whole * years**follow_up.shape))))


def still_followed(follow_up: FollowUpDesign, years: float) -> float:
    """Return the share of patients who would not be censored by `years` if nothing happened to them."""
    administrative = (follow_up.accrual_years + follow_up.least_years - years) / follow_up.accrual_years
    return float(np.exp(-follow_up.loss_per_year * years) * np.clip(administrative, 0.0, 1.0))


def median_follow_up_years(follow_up: FollowUpDesign) -> float:
    """Return the median of the censoring times, which the reverse Kaplan-Meier method estimates."""
    longest = follow_up.accrual_years + follow_up.least_years
    return float(brentq(lambda years: still_followed(follow_up, years) - 0.5, 0.0, longest, xtol=1e-12))


def single_log_ratio(follow_up: FollowUpDesign, hazard: Hazard, groups: RiskGroups, factor: str) -> float:
    """Return what a Cox model of one factor alone estimates: the root of its expected score under this censoring.

    Omitted factors make that model wrong, so its limit depends on the censoring (Struthers & Kalbfleisch, Biometrika
    1986;73:363-369).
    """
    longest = follow_up.accrual_years + follow_up.least_years
    edges = np.linspace(0.0, longest, 4001)
    years = (edges[1:] + edges[:-1]) / 2
    followed = np.array([still_followed(follow_up, year) for year in years])
    cumulative = groups.rates(hazard)[:, None] * years**follow_up.shape
    at_risk = groups.share[:, None] * np.exp(-cumulative) * followed
    events = at_risk * groups.rates(hazard)[:, None] * np.diff(edges**follow_up.shape)
    there = groups.present[factor]

    def score(log_ratio: float) -> float:
        weighted = np.exp(log_ratio) * at_risk[there].sum(axis=0)
        expected = weighted / (weighted + at_risk[~there].sum(axis=0))
        return float((events[there].sum(axis=0) - expected * events.sum(axis=0)).sum())

    return float(brentq(score, -10.0, 10.0, xtol=1e-12))


def area_under_roc(rater: RaterDesign) -> float:
    """Return the area under the ROC curve of a rater's impression (binormal with equal variances)."""
    return float(norm.cdf((ndtri(rater.sensitivity) + ndtri(rater.specificity)) / np.sqrt(2)))


def joint_calls(design: CohortDesign, first: RaterDesign, second: RaterDesign) -> FloatArray:
    """Return the shares of patients by two raters' calls, negative and positive: rows the first, columns the second."""
    shared, weight = _standard_normal()
    rho, share = design.shared_impression, prevalence(design)
    table = np.zeros((2, 2))
    for of_class, positive in ((1 - share, False), (share, True)):
        calls = [
            ndtr((np.sqrt(rho) * shared + _threshold_gap(rater, positive)) / np.sqrt(1 - rho))
            for rater in (first, second)
        ]
        pairs = [[weight @ (a * b) for b in (1 - calls[1], calls[1])] for a in (1 - calls[0], calls[0])]
        table += of_class * np.array(pairs)
    return table


def kappa(table: FloatArray) -> float:
    """Return Cohen's kappa of a table of shares (Cohen 1960)."""
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return (float(np.trace(table)) - chance) / (1 - chance)


def fleiss_kappa(design: CohortDesign, raters: Sequence[RaterDesign]) -> float:
    """Return the limit of Fleiss' kappa (1971) of several raters' calls."""
    agreement, positive = _agreement(design, raters)
    chance = positive**2 + (1 - positive) ** 2
    return (agreement - chance) / (1 - chance)


def gwet_ac1(design: CohortDesign, raters: Sequence[RaterDesign]) -> float:
    """Return the limit of AC1 (Gwet, Br J Math Stat Psychol 2008;61:29-48) of two or more raters' calls."""
    agreement, positive = _agreement(design, raters)
    chance = 2 * positive * (1 - positive)
    return (agreement - chance) / (1 - chance)


def _agreement(design: CohortDesign, raters: Sequence[RaterDesign]) -> tuple[float, float]:
    """Return the mean share of pairs that agree, and the mean share of positive calls."""
    share = prevalence(design)
    agreement = np.mean([np.trace(joint_calls(design, *pair)) for pair in combinations(raters, 2)])
    positive = np.mean([share * each.sensitivity + (1 - share) * (1 - each.specificity) for each in raters])
    return float(agreement), float(positive)


def _threshold_gap(rater: RaterDesign, positive: bool) -> float:
    return float(ndtri(rater.sensitivity) if positive else -ndtri(rater.specificity))


def _standard_normal() -> tuple[FloatArray, FloatArray]:
    points, weights = np.polynomial.hermite_e.hermegauss(_QUADRATURE)
    return points, weights / weights.sum()


def _severities(design: CohortDesign) -> tuple[FloatArray, FloatArray]:
    """Return severities of the external test and their weights, which add up to 1."""
    points, weights = _standard_normal()
    external = [hospital for hospital in design.hospitals if hospital.external]
    whole = sum(hospital.share for hospital in external)
    severity = np.concatenate([points + hospital.severity for hospital in external])
    return severity, np.concatenate([weights * hospital.share / whole for hospital in external])


def _above(severity: FloatArray, loading: float, share_below: float) -> FloatArray:
    """Return the chance that a latent value lies above its threshold, given the severity."""
    return np.asarray(ndtr((loading * severity - ndtri(share_below)) / np.sqrt(1 - loading**2)))
