"""What covariates add to a model that is there already, such as node status to mrCRM and mrEMVI."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analytics.estimate import HypothesisTest
from analytics.survival.concordance import ConcordanceComparison, compare_concordance
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Covariate, design
from analytics.survival.discrimination import AucComparison, compare_auc
from analytics.survival.errors import UnusableCovariate
from analytics.survival.intervals import chi_square_p
from analytics.survival.times import Followup, Groups


@dataclass(frozen=True)
class Gain:
    """The model with the added covariates against the one without, on the same patients."""

    likelihood_ratio: HypothesisTest
    """Test of the added covariates; the one to go by, since nested models bias tests of the differences below."""

    concordance: ConcordanceComparison
    """With minus without."""

    auc: tuple[AucComparison, ...]
    """With minus without, at each time."""

    without: CoxModel
    added: CoxModel
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

    `times` are those of the AUC, in the unit of the follow-up. Raises UnusableCovariate where either list is empty.
    """
    if not base or not added:
        raise UnusableCovariate("a gain needs at least one covariate in the base model and one that is added")
    larger = design(table, [*base, *added])
    smaller = larger.only([item.name for item in base])
    after, before = cox(followup, larger, strata, level=level), cox(followup, smaller, strata, level=level)
    statistic = 2 * (after.log_likelihood - before.log_likelihood)
    df = len(after.beta) - len(before.beta)
    name = f"likelihood-ratio test of {', '.join(item.name for item in added)}"
    scores = after.linear_predictor, before.linear_predictor
    return Gain(
        likelihood_ratio=HypothesisTest(statistic, chi_square_p(statistic, df), name, after.n, df),
        concordance=compare_concordance(after.followup, *scores, after.strata, level),
        auc=tuple(compare_auc(after.followup, *scores, time, level) for time in times),
        without=before,
        added=after,
        note="measured on the patients that the models were fitted to, and so too favourable to the larger one",
    )
