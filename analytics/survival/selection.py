"""The regression table of a prognostic study: univariable models, an entry rule, the multivariable model."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analytics.errors import NotEstimable
from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Covariate, Design, Term, design
from analytics.survival.errors import MonotoneLikelihood, SurvivalError
from analytics.survival.firth import FirthModel, firth_cox
from analytics.survival.times import Followup, Groups


@dataclass(frozen=True)
class SelectionRule:
    """How covariates come into the multivariable model and when events are few."""

    entry_p: float = 0.10
    """A covariate enters if its univariable p-value is below; the rule of the study that the tool recomputes."""

    forced: tuple[str, ...] = ()
    """Covariates that enter whatever their p-value, because they are clinically relevant."""

    warn_below_events: float = 10.0
    """Events per coefficient below which a warning is given (Peduzzi et al. 1995)."""

    firth_below_events: float = 5.0
    """Events per coefficient below which Firth's penalty is used (Vittinghoff & McCulloch 2007 found 5 to 9 to do)."""


@dataclass(frozen=True)
class RatioRow:
    """One line of a regression table."""

    covariate: str
    column: str
    hazard_ratio: Estimate
    p_value: float


@dataclass(frozen=True)
class FittedTable:
    """The lines of one model with how it was fitted."""

    rows: tuple[RatioRow, ...]
    method: str
    n: int
    n_events: int
    n_missing: int
    """Patients left out because a covariate is missing."""

    overall: HypothesisTest
    """Likelihood-ratio test of all columns."""

    model: CoxModel | None
    """None where Firth's penalty was needed."""

    @property
    def penalised(self) -> bool:
        """Whether it was fitted by Firth's penalty."""
        return self.model is None


@dataclass(frozen=True)
class Univariable:
    """One covariate alone; `fitted` is None where `problem` says why."""

    covariate: str
    fitted: FittedTable | None
    p_value: float
    """What the entry rule looks at: Wald test of all levels, or the penalised likelihood ratio."""

    problem: str | None = None


@dataclass(frozen=True)
class RegressionTable:
    """Univariable lines, who entered, and the multivariable model."""

    univariable: tuple[Univariable, ...]
    entered: tuple[str, ...]
    multivariable: FittedTable | None
    events_per_variable: float | None
    """Events per coefficient of the multivariable model."""

    warnings: tuple[str, ...]


def regression_table(
    followup: Followup,
    table: pd.DataFrame,
    covariates: Sequence[Covariate],
    rule: SelectionRule | None = None,
    strata: Groups | None = None,
    level: float = 0.95,
) -> RegressionTable:
    """Fit each covariate alone, then those together that the rule lets in; complete cases of each model.

    Raises SurvivalError for a forced covariate that is not among the covariates.
    """
    rule = rule or SelectionRule()
    names = [item.name for item in covariates]
    if unknown := [name for name in rule.forced if name not in names]:
        raise SurvivalError(f"forced covariates {', '.join(unknown)} are not among {', '.join(names)}")
    alone = tuple(_univariable(followup, table, item, rule, strata, level) for item in covariates)
    entered = [
        item
        for item, found in zip(covariates, alone, strict=True)
        if item.name in rule.forced or found.p_value < rule.entry_p
    ]
    warnings = [f"{found.covariate}: {found.problem}" for found in alone if found.problem]
    multivariable, per_variable = None, None
    if entered:
        try:
            matrix = design(table, entered)
            multivariable = fit_table(followup, matrix, rule, strata, level)
            per_variable = multivariable.n_events / len(matrix.columns)
        except NotEstimable as error:
            warnings.append(f"multivariable model: {error}")
    if multivariable is not None and per_variable is not None and per_variable < rule.warn_below_events:
        warnings.append(_few_events(multivariable, per_variable, rule))
    return RegressionTable(alone, tuple(item.name for item in entered), multivariable, per_variable, tuple(warnings))


def fit_table(
    followup: Followup, matrix: Design, rule: SelectionRule, strata: Groups | None = None, level: float = 0.95
) -> FittedTable:
    """Fit one model, by Firth's penalty where events are fewer than the rule wants or separate perfectly."""
    missing = int((~matrix.complete).sum())
    events = followup.take(matrix.complete).n_events if len(followup) == len(matrix.complete) else followup.n_events
    if events >= rule.firth_below_events * len(matrix.columns):
        try:
            return _from_cox(cox(followup, matrix, strata, level=level), missing)
        except MonotoneLikelihood:
            pass
    return _from_firth(firth_cox(followup, matrix, strata, level=level), matrix, missing)


def _univariable(
    followup: Followup,
    table: pd.DataFrame,
    covariate: Covariate,
    rule: SelectionRule,
    strata: Groups | None,
    level: float,
) -> Univariable:
    try:
        fitted = fit_table(followup, design(table, [covariate]), rule, strata, level)
    except NotEstimable as error:
        return Univariable(covariate.name, None, float("nan"), str(error))
    test = fitted.overall if fitted.model is None else fitted.model.term_test(covariate.name)
    return Univariable(covariate.name, fitted, test.p_value)


def _from_cox(model: CoxModel, missing: int) -> FittedTable:
    names = _covariate_of_column(model.terms)
    rows = tuple(
        RatioRow(names[index], item.column, item.hazard_ratio, item.p_value)
        for index, item in enumerate(model.coefficients)
    )
    return FittedTable(rows, model.method, model.n, model.n_events, missing, model.likelihood_ratio, model)


def _from_firth(model: FirthModel, matrix: Design, missing: int) -> FittedTable:
    names = _covariate_of_column(matrix.terms)
    rows = tuple(
        RatioRow(names[index], item.column, item.hazard_ratio, item.test.p_value)
        for index, item in enumerate(model.coefficients)
    )
    return FittedTable(rows, model.method, model.n, model.n_events, missing, model.likelihood_ratio, None)


def _covariate_of_column(terms: Sequence[Term]) -> dict[int, str]:
    return {column: term.name for term in terms for column in term.columns}


def _few_events(fitted: FittedTable, per_variable: float, rule: SelectionRule) -> str:
    """Return what few events do to the model; only one without Firth's penalty is biased by them."""
    harm = "estimates are biased away from 1 and intervals too narrow"
    if fitted.model is None:
        harm = f"{harm} without Firth's penalty, which this model has"
    count = f"{per_variable:.1f} events per coefficient in the multivariable model"
    return f"{count}; below {rule.warn_below_events:g} {harm}"
