"""What covariates add to a model that is there already, such as node status to mrCRM and mrEMVI."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analytics.estimate import HypothesisTest
from analytics.survival.concordance import ConcordanceComparison, compare_concordance
from analytics.survival.design import Covariate, design
from analytics.survival.discrimination import AucComparison, compare_auc
from analytics.survival.errors import UnusableCovariate
from analytics.survival.fine_gray import FineGrayModel
from analytics.survival.intervals import chi_square_p
from analytics.survival.risk_models import RiskModel, ordered, risk_model, strata_of
from analytics.survival.times import Followup, Groups


@dataclass(frozen=True)
class Gain:
    """The model with the added covariates against the one without, on the same patients."""

    test: HypothesisTest
    """Of the added covariates, by likelihood ratio or, of Fine-Gray models, by Wald; the one to go by, since nested
    models bias tests of the differences below."""

    concordance: ConcordanceComparison
    """With minus without; with competing events Harrell's C of Wolbers et al. (2009)."""

    auc: tuple[AucComparison, ...]
    """With minus without, at each time."""

    without: RiskModel
    added: RiskModel
    note: str


def gain(
    followup: Followup,
    table: pd.DataFrame,
    base: Sequence[Covariate],
    added: Sequence[Covariate],
    times: Sequence[float],
    strata: Groups | None = None,
    level: float = 0.95,
) -> Gain:
    """Fit both models to the patients that have every covariate, and compare them.

    They are Fine-Gray models with competing events, else Cox models. `times` are those of the AUC, in the unit of the
    follow-up. Raises UnusableCovariate where either list is empty.
    """
    if not base or not added:
        raise UnusableCovariate("a gain needs at least one covariate in the base model and one that is added")
    larger = design(table, [*base, *added])
    smaller = larger.only([item.name for item in base])
    after, before = (risk_model(followup, each, strata, level) for each in (larger, smaller))
    scores = after.linear_predictor, before.linear_predictor
    return Gain(
        test=_test(after, before, [item.name for item in added]),
        concordance=compare_concordance(ordered(after.followup), *scores, strata_of(after), level),
        auc=tuple(compare_auc(after.followup, *scores, time, level) for time in times),
        without=before,
        added=after,
        note="measured on the patients that the models were fitted to, and so too favourable to the larger one",
    )


def _test(after: RiskModel, before: RiskModel, added: Sequence[str]) -> HypothesisTest:
    if isinstance(after, FineGrayModel):
        return after.wald(added)
    statistic = 2 * (after.log_likelihood - before.log_likelihood)
    df = len(after.beta) - len(before.beta)
    name = f"likelihood-ratio test of {', '.join(added)}"
    return HypothesisTest(statistic, chi_square_p(statistic, df), name, after.n, df)
