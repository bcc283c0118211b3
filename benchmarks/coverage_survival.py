"""The intervals of survival statistics on one simulated cohort, by `kind: parameter`; times in months."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from analytics.estimate import Estimate
from analytics.simulation.cohort import Cohort
from analytics.simulation.follow_up import CENSORED, YEAR_DAYS, log_rates
from analytics.simulation.nodes import BoolArray
from analytics.simulation.truth import RISK_FACTORS
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.concordance import concordance
from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.discrimination import time_dependent_auc
from analytics.survival.errors import SurvivalError
from analytics.survival.firth import firth_cox
from analytics.survival.interaction import additive_interaction, product_term
from analytics.survival.intervals import Scale
from analytics.survival.kaplan_meier import (
    kaplan_meier,
    median_followup,
    median_survival,
    restricted_mean,
    restricted_mean_difference,
    survival_at,
)
from analytics.survival.times import Followup

MONTHS: Final = (36.0, 60.0)
HORIZON_MONTHS: Final = 60.0
SMALL_SUBGROUP: Final = 100
"""Patients of the penalised model, with about four deaths for each of its four covariates."""

_MONTH_DAYS: Final = YEAR_DAYS / 12


def survival_intervals(cohort: Cohort) -> dict[str, Estimate]:
    """Return every interval; those of a model that cannot be fitted are absent."""
    outcomes = cohort.outcomes
    dfs_months, overall_months = outcomes.dfs_days / _MONTH_DAYS, outcomes.overall_days / _MONTH_DAYS
    dfs = Followup(dfs_months, (outcomes.dfs_end != CENSORED).astype(np.int64))
    overall = Followup(overall_months, outcomes.died.astype(np.int64))
    recurrence = Followup(dfs_months, outcomes.dfs_end)
    found = {"reverse Kaplan-Meier, log-log: median follow-up": median_followup(overall)}
    for endpoint, followup in (("DFS", dfs), ("OS", overall)):
        found |= _curves(endpoint, followup, cohort.model.positive)
    for months, estimate in zip(MONTHS, incidence_at(cumulative_incidence(recurrence), MONTHS), strict=True):
        found[f"Aalen-Johansen, log-log: recurrence at {months:g} months"] = estimate
    for fit in (_full_models, _single_models, _complete_cases, _small_subgroup, _interaction, _ranking):
        try:
            found |= dict(fit(cohort, {"DFS": dfs, "OS": overall}))
        except SurvivalError:
            # Counted as undefined, since its names are absent.
            continue
    return found


def _curves(endpoint: str, followup: Followup, called: BoolArray) -> dict[str, Estimate]:
    found = {}
    parts = {"all": np.ones(len(followup), dtype=np.bool_), "model negative": ~called, "model positive": called}
    for part, rows in parts.items():
        curve = kaplan_meier(followup.take(rows))
        for months, estimate in zip(MONTHS, survival_at(curve, MONTHS), strict=True):
            found[f"Kaplan-Meier, log-log: {endpoint} at {months:g} months, {part}"] = estimate
        name = f"{endpoint} restricted mean to {HORIZON_MONTHS:g} months, {part}"
        for scale in (Scale.LOG_LOG, Scale.PLAIN):
            mean = restricted_mean(followup.take(rows), HORIZON_MONTHS, scale=scale)
            found[f"restricted mean, {scale}: {name}"] = mean
        if (endpoint, part) == ("DFS", "model positive"):
            found[f"median, Brookmeyer-Crowley: {endpoint} median, {part}"] = median_survival(curve)
    name = f"{endpoint} restricted mean to {HORIZON_MONTHS:g} months, difference"
    found[f"difference of restricted means, normal: {name}"] = restricted_mean_difference(
        followup.take(~called), followup.take(called), HORIZON_MONTHS
    )[0]
    return found


_Named = Iterator[tuple[str, Estimate]]
_Fit = Callable[[Cohort, Mapping[str, Followup]], _Named]


def _table(cohort: Cohort) -> pd.DataFrame:
    return pd.DataFrame({name: values.astype(np.float64) for name, values in cohort.risk.items()})


def _full_models(cohort: Cohort, endpoints: Mapping[str, Followup]) -> _Named:
    matrix = design(_table(cohort), [Number(name) for name in RISK_FACTORS])
    for endpoint, followup in endpoints.items():
        for item in cox(followup, matrix).coefficients:
            yield f"Cox, all covariates, Wald: {endpoint} hazard ratio of {item.column}", item.hazard_ratio


def _single_models(cohort: Cohort, endpoints: Mapping[str, Followup]) -> _Named:
    table = _table(cohort)
    for endpoint, followup in endpoints.items():
        for name in RISK_FACTORS:
            item = cox(followup, design(table, [Number(name)])).coefficients[0]
            yield f"Cox, one covariate, Wald: {endpoint} hazard ratio of {name} alone", item.hazard_ratio


def _complete_cases(cohort: Cohort, endpoints: Mapping[str, Followup]) -> _Named:
    """Fit the full model to who has everything, when values are missing completely at random."""
    table = _table(cohort)
    for name in ("mrtd", "mrcrm"):
        table[name] = table[name].mask(cohort.missing.covariates[name])
    matrix = design(table, [Number(name) for name in RISK_FACTORS], ~cohort.missing.follow_up)
    for item in cox(endpoints["DFS"], matrix).coefficients:
        yield f"Cox, complete cases, Wald: DFS hazard ratio of {item.column}", item.hazard_ratio


def _small_subgroup(cohort: Cohort, endpoints: Mapping[str, Followup]) -> _Named:
    rows = np.arange(SMALL_SUBGROUP)
    matrix = design(_table(cohort).iloc[rows], [Number(name) for name in RISK_FACTORS])
    for item in firth_cox(endpoints["OS"].take(rows), matrix).coefficients:
        name = f"OS hazard ratio of {item.column}"
        yield f"Firth, {SMALL_SUBGROUP} patients, profile: {name}", item.hazard_ratio


def _interaction(cohort: Cohort, endpoints: Mapping[str, Followup]) -> _Named:
    table, rest = _table(cohort), [Number("female"), Number("mrcrm")]
    pair = "model_positive and mrtd"
    additive = additive_interaction(endpoints["DFS"], table, "model_positive", "mrtd", rest)
    yield f"delta method: DFS RERI of {pair}", additive.excess
    yield f"delta method, log scale: DFS attributable proportion of {pair}", additive.proportion
    yield f"delta method, plain: DFS attributable proportion of {pair}", additive.plain_proportion
    yield f"delta method, log scale: DFS synergy index of {pair}", additive.synergy_index
    product = product_term(endpoints["DFS"], table, Number("model_positive"), Number("mrtd"), rest)
    yield "Cox, product term, Wald: DFS ratio of hazard ratios, model_positive x mrtd", product.ratios[0]


def _ranking(cohort: Cohort, endpoints: Mapping[str, Followup]) -> _Named:
    follow_up = cohort.design.follow_up
    # Equal predictors that differ by rounding must tie.
    score = np.round(log_rates(follow_up.dfs, cohort.risk, len(cohort.patients)), 9)
    harrell = concordance(endpoints["DFS"], score)
    yield "concordance, infinitesimal jackknife: DFS Harrell's C of the true predictor", harrell
    for months, area in zip(MONTHS, time_dependent_auc(endpoints["DFS"], score, MONTHS), strict=True):
        name = f"DFS AUC at {months:g} months of the true predictor"
        yield f"time-dependent AUC, influence functions: {name}", area
