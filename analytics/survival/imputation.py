"""Multiple imputation of missing covariates for Cox models, pooled by Rubin's rules.

Chained equations with predictive mean matching by statsmodels. What happened to a patient takes part as White and
Royston advise (Stat Med 2009;28:1982-1998): the event, and the cumulative hazard up to the patient's own time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import t as student

from analytics.errors import NotEstimable
from analytics.estimate import Estimate
from analytics.survival.cox import cox
from analytics.survival.design import Category, Covariate, design
from analytics.survival.event_table import event_table
from analytics.survival.times import FloatArray, Followup

_CYCLES: Final = 10
"""Rounds of the chain before each completed table, as many as keep completed tables apart."""

_DONORS: Final = 5
"""Patients with the nearest prediction of whom one gives the value (Morris, White and Royston, BMC Med Res Methodol
2014;14:75, advise about ten in large and fewer in small samples; R's mice has five)."""


@dataclass(frozen=True)
class PooledCoefficient:
    """One column of the model over all completed tables."""

    column: str
    hazard_ratio: Estimate
    p_value: float
    missing_information: float
    """Share of the information about the coefficient that the missing values take, from 0 to 1."""


@dataclass(frozen=True)
class ImputedModel:
    """A Cox model on completed tables."""

    coefficients: tuple[PooledCoefficient, ...]
    imputations: int
    n: int
    n_events: int
    n_imputed: int
    """Patients with at least one value filled in."""


def imputed_cox(
    followup: Followup,
    table: pd.DataFrame,
    covariates: Sequence[Covariate],
    imputations: int,
    seed: int,
    level: float = 0.95,
) -> ImputedModel:
    """Return the Cox model of everybody with follow-up; `table` has the rows of `followup` and a column a covariate.

    Raises NotEstimable where nothing is missing, a covariate has no value at all, or a completed table cannot be
    fitted.
    """
    names = [each.name for each in covariates]
    missing = table[names].isna()
    if not missing.to_numpy().any():
        raise NotEstimable("no value of these covariates is missing, so nothing is imputed")
    if empty := [name for name in names if missing[name].all()]:
        raise NotEstimable(f"{', '.join(empty)} has no value from which others could be imputed")
    models = [
        cox(followup, design(each, covariates), level=level)
        for each in _completed(followup, table[names], covariates, imputations, seed)
    ]
    if len({model.columns for model in models}) > 1:
        raise NotEstimable("a level is so rare that some completed tables have no patient with it")
    betas = np.array([model.beta for model in models])
    variances = np.array([np.diag(model.covariance) for model in models])
    pooled = tuple(
        _coefficient(column, pool(betas[:, place], variances[:, place]), (models[0].n, models[0].n_events), level)
        for place, column in enumerate(models[0].columns)
    )
    return ImputedModel(pooled, imputations, models[0].n, models[0].n_events, int(missing.any(axis=1).sum()))


@dataclass(frozen=True)
class Pooled:
    """One number over completed tables, by Rubin's rules (1987, 3.1)."""

    value: float
    variance: float
    """Within tables, and between them times 1 + 1/m."""

    degrees_of_freedom: float
    """Infinite where all tables agree."""

    missing_information: float


def pool(values: FloatArray, variances: FloatArray) -> Pooled:
    """Return the pooled number of m completed tables from their estimates (m,) and variances (m,); m is at least 2."""
    m = len(values)
    within, between = float(variances.mean()), float(values.var(ddof=1))
    total = within + (1 + 1 / m) * between
    increase = (1 + 1 / m) * between / within
    freedom = math.inf if increase == 0 else (m - 1) * (1 + 1 / increase) ** 2
    lost = 0.0 if increase == 0 else (increase + 2 / (freedom + 3)) / (increase + 1)
    return Pooled(float(values.mean()), total, freedom, lost)


def _coefficient(column: str, found: Pooled, sizes: tuple[int, int], level: float) -> PooledCoefficient:
    error = math.sqrt(found.variance)
    reach = float(student.ppf((1 + level) / 2, found.degrees_of_freedom)) * error
    ratio = Estimate(
        math.exp(found.value),
        math.exp(found.value - reach),
        math.exp(found.value + reach),
        f"hazard ratio of {column}, Cox model, multiple imputation pooled by Rubin's rules, t interval",
        sizes[0],
        sizes[1],
        level,
    )
    p_value = float(2 * student.sf(abs(found.value) / error, found.degrees_of_freedom))
    return PooledCoefficient(column, ratio, p_value, found.missing_information)


def _completed(
    followup: Followup, table: pd.DataFrame, covariates: Sequence[Covariate], imputations: int, seed: int
) -> Iterator[pd.DataFrame]:
    """Yield completed tables; levels go in as their place in the order, which matching turns back into levels."""
    # Statsmodels takes a second to load, which only whoever asks for this should wait for.
    from statsmodels.imputation.mice import MICEData

    codes = pd.DataFrame(
        {f"x{place}": _codes(table[each.name], each) for place, each in enumerate(covariates)}
    ).reset_index(drop=True)
    chain = MICEData(pd.concat([codes, _outcome(followup)], axis=1), k_pmm=_DONORS, rng=np.random.default_rng(seed))
    for place in range(len(covariates)):
        if codes[f"x{place}"].isna().any():
            chain.set_imputer(f"x{place}", _formula(codes, covariates, place), k_pmm=_DONORS)
    for _ in range(imputations):
        chain.update_all(_CYCLES)
        yield pd.DataFrame({each.name: _values(chain.data[f"x{place}"], each) for place, each in enumerate(covariates)})


def _formula(codes: pd.DataFrame, covariates: Sequence[Covariate], place: int) -> str:
    """Return what a covariate is predicted from: all others, a category by its levels, and the outcome."""
    terms = [
        f"C(x{other})" if isinstance(each, Category) and codes[f"x{other}"].nunique() > 2 else f"x{other}"
        for other, each in enumerate(covariates)
        if other != place
    ]
    return " + ".join([*terms, *_OUTCOME])


_OUTCOME: Final = ("happened", "hazard")


def _outcome(followup: Followup) -> pd.DataFrame:
    """Return whether each patient had the event, and Nelson-Aalen's cumulative hazard at the own time."""
    events = event_table(followup)
    hazard = np.concatenate([[0.0], np.cumsum(events.events / np.maximum(events.at_risk, 1))])
    place = np.searchsorted(events.time, followup.time, side="right")
    return pd.DataFrame({_OUTCOME[0]: (followup.event == 1).astype(float), _OUTCOME[1]: hazard[place]})


def _codes(column: pd.Series, covariate: Covariate) -> pd.Series:
    if isinstance(covariate, Category):
        places = {level: float(place) for place, level in enumerate(covariate.levels)}
        return column.astype(object).map(places).astype(float)
    return column.astype(float)


def _values(column: pd.Series, covariate: Covariate) -> pd.Series:
    if isinstance(covariate, Category):
        return column.map(lambda code: covariate.levels[int(code)])
    return column
