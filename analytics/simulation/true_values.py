"""All true parameters of a design by name, for `truth.json` and for measuring how often intervals cover them."""

import math
from collections.abc import Mapping

import numpy as np

from analytics.simulation import truth
from analytics.simulation.design import CohortDesign
from analytics.simulation.design_parts import RaterDesign
from analytics.simulation.follow_up_design import Hazard

YEARS = (3.0, 5.0)
HORIZON_YEARS = 5.0


def true_values(design: CohortDesign) -> dict[str, float]:
    """Return every exact parameter of the external test by name; times in months, as a study has them."""
    return {**accuracy_values(design), **agreement_values(design), **survival_values(design)}


def accuracy_values(design: CohortDesign) -> dict[str, float]:
    """Return accuracy of the model and every reader against the reference, and areas under their ROC curves."""
    share = truth.prevalence(design)
    values = {"prevalence": share}
    for rater in (design.model, *design.readers):
        values |= {f"{name} of {rater.name}": value for name, value in figures(share, rater).items()}
        values[f"region accuracy of {rater.name}"] = rater.region_accuracy
    values[f"auc of {design.model.name}"] = truth.area_under_roc(design.model)
    values["node sensitivity of model"] = node_sensitivity(design)
    return values


def figures(prevalence: float, rater: RaterDesign) -> dict[str, float]:
    """Return the figures of the 2x2 table of one rater from prevalence, sensitivity and specificity."""
    tp, fn = prevalence * rater.sensitivity, prevalence * (1 - rater.sensitivity)
    tn, fp = (1 - prevalence) * rater.specificity, (1 - prevalence) * (1 - rater.specificity)
    margins = math.sqrt((tp + fn) * (fp + tn) * (tp + fp) * (fn + tn))
    return {
        "accuracy": tp + tn,
        "sensitivity": rater.sensitivity,
        "specificity": rater.specificity,
        "ppv": tp / (tp + fp),
        "npv": tn / (fn + tn),
        "lr_positive": rater.sensitivity / (1 - rater.specificity),
        "lr_negative": (1 - rater.sensitivity) / rater.specificity,
        "odds_ratio": tp * tn / (fn * fp),
        "balanced_accuracy": (rater.sensitivity + rater.specificity) / 2,
        "f1": 2 * tp / (2 * tp + fn + fp),
        "mcc": (tp * tn - fp * fn) / margins,
    }


def node_sensitivity(design: CohortDesign) -> float:
    """Return the share of all positive nodes that the model calls positive: the leading ones, and some further ones."""
    further = design.nodes.further_positive_mean
    return design.model.sensitivity * (1 + further * design.further_positive_found) / (1 + further)


def agreement_values(design: CohortDesign) -> dict[str, float]:
    """Return Cohen's kappa of every pair among readers and model, Fleiss' kappa and AC1 of the readers."""
    raters = (*design.readers, design.model)
    values = {}
    for place, first in enumerate(raters):
        for second in raters[place + 1 :]:
            table = truth.joint_calls(design, first, second)
            values[f"kappa of {first.name} and {second.name}"] = truth.kappa(table)
    values["fleiss kappa of readers"] = truth.fleiss_kappa(design, design.readers)
    values["ac1 of readers"] = truth.gwet_ac1(design, design.readers)
    for rater in raters:
        pair = f"{rater.name} and reference"
        values[f"short axis bias of {pair}"] = rater.short_axis_bias_mm
        for sign, name in ((-1, "lower"), (1, "upper")):
            limit = rater.short_axis_bias_mm + sign * 1.959963984540054 * rater.short_axis_spread_mm
            values[f"{name} limit of agreement of {pair}"] = limit
    return values


def survival_values(design: CohortDesign) -> dict[str, float]:
    """Return survival, medians, restricted means, incidences and log hazard ratios."""
    follow_up, groups = design.follow_up, truth.risk_groups(design)
    called = {there: groups.where("model_positive", there) for there in (False, True)}
    parts: Mapping[str, truth.RiskGroups] = {
        "all": groups,
        "model negative": called[False],
        "model positive": called[True],
    }
    values = {"median follow-up": 12 * truth.median_follow_up_years(follow_up)}
    for endpoint, hazard in (("DFS", follow_up.dfs), ("OS", follow_up.overall)):
        for part, of_part in parts.items():
            for years in YEARS:
                at = f"{endpoint} at {12 * years:g} months, {part}"
                values[at] = truth.survival(follow_up, hazard, of_part, years)
            mean = truth.restricted_mean_years(follow_up, hazard, of_part, HORIZON_YEARS)
            values[f"{endpoint} restricted mean to {12 * HORIZON_YEARS:g} months, {part}"] = 12 * mean
            values[f"{endpoint} median, {part}"] = 12 * truth.median_years(follow_up, hazard, of_part)
        values |= _log_ratios(design, endpoint, hazard, groups)
    for years in YEARS:
        values[f"recurrence at {12 * years:g} months"] = truth.recurrence_incidence(follow_up, groups, years)
    return values


def _log_ratios(design: CohortDesign, endpoint: str, hazard: Hazard, groups: truth.RiskGroups) -> dict[str, float]:
    values = {f"{endpoint} log hazard ratio of {name}": hazard.log_ratio(name) for name in truth.RISK_FACTORS}
    for name in truth.RISK_FACTORS:
        single = truth.single_log_ratio(design.follow_up, hazard, groups, name)
        values[f"{endpoint} log hazard ratio of {name} alone"] = single
    model, deposits = (np.exp(hazard.log_ratio(name)) for name in ("model_positive", "mrtd"))
    values[f"{endpoint} RERI of model_positive and mrtd"] = float(model * deposits - model - deposits + 1)
    return values
