"""True values that only the coverage experiment needs, by closed forms, quadrature, or a very large sample."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from analytics.accuracy.columns import FloatArray, IntArray
from analytics.agreement.cohen import cohen_kappa
from analytics.agreement.icc import intraclass_correlation
from analytics.agreement.ratings import pair_table
from analytics.simulation import truth
from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.design import CohortDesign
from analytics.simulation.nodes import BoolArray
from analytics.simulation.raters import Readings, discriminability
from analytics.simulation.true_values import true_values
from benchmarks.coverage_competing import competing_intervals

SIZE_CLASSES_MM: Final = (5.0, 7.0)
READER_BIAS_SPREAD_MM: Final = 0.3
READER_ERROR_MM: Final = 0.7
"""Of readers drawn anew in every cohort, for the intraclass correlation that takes readers as a sample."""

NORMAL_SIZE_SPREAD_MM: Final = 1.5
MODEL_AND_REFERENCE: Final = "ICC2 of the short axes of model and reference"
BATCHES: Final = 20
BATCH_PATIENTS: Final = 50_000
"""One million patients together."""

_FIRST_BATCH_SEED: Final = 10_000_000
"""Far from the seeds of the cohorts."""


@dataclass(frozen=True)
class Sampled:
    """A true value from a very large sample."""

    value: float
    standard_error: float


def exact_truths(design: CohortDesign) -> dict[str, float]:
    """Return true values by the names that the intervals have; ratios on their own scale."""
    values = true_values(design)
    ratios = {name.replace("log hazard", "hazard"): np.exp(value) for name, value in values.items() if " log " in name}
    return {
        **values,
        **{name: float(value) for name, value in ratios.items()},
        **_interaction(design),
        **_agreement(values, design),
        **_model_probability(design),
        **_nodes(design),
        **_differences(values),
        **_ranking(design),
    }


def sampled_truths(
    design: CohortDesign, batches: int = BATCHES, batch_patients: int = BATCH_PATIENTS
) -> dict[str, Sampled]:
    """Return the true values that have no closed form, from very many patients in batches."""
    large = replace(design, training_patients=0, test_patients=batch_patients)
    found = [_sampled(simulate_cohort(large, _FIRST_BATCH_SEED + place)) for place in range(batches)]
    sampled = {}
    for name in found[0]:
        values = [batch[name] for batch in found]
        sampled[name] = Sampled(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(batches)))
    return sampled


def size_class(readings: Readings) -> IntArray:
    """Return the class of each short axis by SIZE_CLASSES_MM, -1 where none is reported."""
    classes = np.searchsorted(SIZE_CLASSES_MM, readings.short_axis_mm, side="right")
    return np.where(readings.reported, classes, -1).astype(np.int64)


def all_measured(cohort: Cohort) -> BoolArray:
    """Return who has a node that every reader measured, shape (patients,)."""
    measured: BoolArray = np.all([each.reported for each in cohort.readers.values()], axis=0) & cohort.reference.present
    return measured


def model_and_reference_mm(cohort: Cohort) -> FloatArray:
    """Return the short axes (n, 2) by model and reference of the nodes that both have."""
    both = cohort.model.reported & cohort.reference.present
    return np.stack([cohort.model.short_axis_mm[both], cohort.reference.short_axis_mm[both]], axis=1)


def _sampled(cohort: Cohort) -> dict[str, float]:
    error = float(np.mean([reader.short_axis_spread_mm**2 for reader in cohort.design.readers]))
    of_measured = float(np.var(cohort.reference.short_axis_mm[all_measured(cohort)], ddof=1))
    of_all = float(np.var(cohort.reference.short_axis_mm[cohort.reference.present], ddof=1))
    drawn = READER_BIAS_SPREAD_MM**2 + READER_ERROR_MM**2
    junior, senior = (size_class(cohort.readers[name]) for name in ("junior", "senior"))
    competing = competing_intervals(cohort)
    table = pair_table(junior, senior, len(SIZE_CLASSES_MM) + 1)
    return {
        "ICC3 of the readers' short axes": of_measured / (of_measured + error),
        "ICC2 of readers drawn anew": of_all / (of_all + drawn),
        MODEL_AND_REFERENCE: intraclass_correlation(model_and_reference_mm(cohort), "ICC2").coefficient.value,
        "linear weighted kappa of junior and senior, size class": cohen_kappa(table, "linear").value,
        "quadratic weighted kappa of junior and senior, size class": cohen_kappa(table, "quadratic").value,
        **{name.partition(": ")[2]: estimate.value for name, estimate in competing.items()},
    }


def _interaction(design: CohortDesign) -> dict[str, float]:
    hazard = design.follow_up.dfs
    model, deposits = (float(np.exp(hazard.log_ratio(name))) for name in ("model_positive", "mrtd"))
    both = model * deposits
    return {
        "DFS attributable proportion of model_positive and mrtd": (both - model - deposits + 1) / both,
        "DFS synergy index of model_positive and mrtd": (both - 1) / (model + deposits - 2),
        "DFS ratio of hazard ratios, model_positive x mrtd": 1.0,
    }


def _agreement(values: dict[str, float], design: CohortDesign) -> dict[str, float]:
    readers, model = [reader.name for reader in design.readers], design.model.name
    human = float(np.mean([values[f"kappa of {a} and {b}"] for a, b in combinations(readers, 2)]))
    with_model = float(np.mean([values[f"kappa of {name} and {model}"] for name in readers]))
    own = NORMAL_SIZE_SPREAD_MM**2
    drawn = READER_BIAS_SPREAD_MM**2 + READER_ERROR_MM**2
    return {
        "Light's kappa of readers": human,
        "human-model less human-human kappa": with_model - human,
        "ICC2 of readers drawn anew, normal sizes": own / (own + drawn),
        "ICC2 of twenty readers drawn anew, normal sizes": own / (own + drawn),
        "ICC3 of normal sizes": own / (own + READER_ERROR_MM**2),
    }


def _model_probability(design: CohortDesign) -> dict[str, float]:
    """Return calibration of the model's probability, which is calibrated by construction, and its Brier score."""
    share, distance = truth.prevalence(design), discriminability(design.model)

    def loss(impression: float, positive: bool) -> float:
        chance = float(expit(logit(share) + distance * impression - distance**2 / 2))
        return float((chance - positive) ** 2 * norm.pdf(impression - distance * positive))

    brier = sum(
        of_class * quad(loss, -10.0, 10.0 + distance, args=(positive,))[0]
        for of_class, positive in ((share, True), (1 - share, False))
    )
    return {
        "calibration slope of model": 1.0,
        "calibration intercept of model": 0.0,
        "Brier score of model": brier,
        "auc of model, ten times the patients": truth.area_under_roc(design.model),
    }


def _nodes(design: CohortDesign) -> dict[str, float]:
    """Return precision and specificity over nodes: true ones, and false alarms in patients without a node."""
    share, nodes = truth.prevalence(design), design.nodes
    true_calls = share * design.model.sensitivity * (1 + nodes.further_positive_mean * design.further_positive_found)
    false_calls = (1 - share) * (1 - design.model.specificity)
    negatives = nodes.negative_mean + false_calls * np.exp(-nodes.negative_mean)
    return {
        "node ppv of model": true_calls / (true_calls + false_calls),
        "node specificity of model": float(1 - false_calls / negatives),
    }


def _differences(values: dict[str, float]) -> dict[str, float]:
    name = "restricted mean to 60 months"
    return {
        f"{endpoint} {name}, difference": values[f"{endpoint} {name}, model negative"]
        - values[f"{endpoint} {name}, model positive"]
        for endpoint in ("DFS", "OS")
    }


def _ranking(design: CohortDesign) -> dict[str, float]:
    """Return what Harrell's C and the cumulative/dynamic AUC of the true linear predictor of DFS converge to."""
    follow_up, groups = design.follow_up, truth.risk_groups(design)
    rates = groups.rates(follow_up.dfs)
    # Rates that differ by rounding alone are ties.
    above = np.where(np.isclose(rates[:, None], rates), 0.5, (rates[:, None] > rates).astype(float))
    edges = np.linspace(0.0, follow_up.accrual_years + follow_up.least_years, 4001)
    years = (edges[1:] + edges[:-1]) / 2
    followed = np.array([truth.still_followed(follow_up, year) for year in years])
    at_risk = groups.share[:, None] * np.exp(-rates[:, None] * years**follow_up.shape) * followed
    events = at_risk * rates[:, None] * np.diff(edges**follow_up.shape)
    pairs: FloatArray = events @ at_risk.T
    values = {"DFS Harrell's C of the true predictor": float((pairs * above).sum() / pairs.sum())}
    for time in (3.0, 5.0):
        free = np.exp(-rates * time**follow_up.shape)
        pairs = np.outer(groups.share * (1 - free), groups.share * free)
        values[f"DFS AUC at {12 * time:g} months of the true predictor"] = float((pairs * above).sum() / pairs.sum())
    return values
