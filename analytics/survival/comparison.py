"""Everything that stands in one figure of a study: the groups' curves, their tests and their hazard ratios."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.competing import CumulativeIncidence, cumulative_incidence
from analytics.survival.cox import Coefficient, cox
from analytics.survival.design import Category, design
from analytics.survival.errors import InvalidFollowup, MonotoneLikelihood, SurvivalError
from analytics.survival.firth import FirthCoefficient, firth_cox
from analytics.survival.gray import gray_test
from analytics.survival.kaplan_meier import (
    KaplanMeier,
    kaplan_meier,
    median_survival,
    restricted_mean,
    restricted_mean_difference,
    risk_counts,
    survival_at,
)
from analytics.survival.logrank import PairwiseTest, log_rank, pairwise_log_rank
from analytics.survival.proportional_hazards import proportional_hazards_test
from analytics.survival.times import Followup, Groups, IntArray


@dataclass(frozen=True)
class GroupCurve:
    """One group with what stands beside its curve."""

    label: str
    curve: KaplanMeier
    at_risk: IntArray
    """Shape (times,), patients observed up to each of the figure's times."""

    survival: tuple[Estimate, ...]
    """At each of the figure's times."""

    median: Estimate
    incidence: CumulativeIncidence | None
    """Of cause 1; None where no other cause happened in any group."""


@dataclass(frozen=True)
class RestrictedMean:
    """Restricted mean survival time of one group; what to read where hazards are not proportional."""

    label: str
    mean: Estimate
    difference: Estimate | None
    """To the first group; None for that one itself, as is `test`."""

    test: HypothesisTest | None


@dataclass(frozen=True)
class GroupComparison:
    """All of one figure. The first group is the reference."""

    groups: tuple[GroupCurve, ...]
    test: HypothesisTest
    """Log-rank over all groups."""

    pairs: tuple[PairwiseTest, ...]
    """Corrected by Holm; empty with two groups."""

    hazard_ratios: tuple[Coefficient | FirthCoefficient, ...]
    """Of every other group against the first; by Firth's penalty where the events are perfectly separated."""

    proportional_hazards: HypothesisTest | None
    """None without hazard ratios or with Firth's penalty."""

    restricted_means: tuple[RestrictedMean, ...]
    """To the last of the figure's times that every group was followed to; empty where there is none."""

    gray: HypothesisTest | None
    """Of cause 1; None where no other cause happened."""

    n: int
    n_events: int
    problem: str | None
    """Why there are no hazard ratios."""


def compare_groups(followup: Followup, groups: Groups, times: Sequence[float], level: float = 0.95) -> GroupComparison:
    """Compare all groups that hold anybody; `times` are those of the numbers at risk, in the unit of the follow-up."""
    groups = groups.without_empty()
    ratios, proportional, problem = _hazard_ratios(followup, groups, level)
    competing = any(cause > 1 for cause in followup.causes)
    return GroupComparison(
        groups=_curves(followup, groups, times, competing, level),
        test=log_rank(followup, groups).test,
        pairs=pairwise_log_rank(followup, groups) if len(groups.labels) > 2 else (),
        hazard_ratios=ratios,
        proportional_hazards=proportional,
        restricted_means=_restricted_means(followup, groups, times, level),
        gray=gray_test(followup, groups) if competing else None,
        n=len(followup),
        n_events=followup.n_events,
        problem=problem,
    )


def _curves(
    followup: Followup, groups: Groups, times: Sequence[float], competing: bool, level: float
) -> tuple[GroupCurve, ...]:
    counts = risk_counts(followup, groups, times)
    curves = []
    for label, rows in groups:
        own = followup.take(rows)
        curve = kaplan_meier(own, level=level)
        incidence = cumulative_incidence(own, level=level) if competing else None
        survival, median = survival_at(curve, times), median_survival(curve)
        curves.append(GroupCurve(label, curve, counts[label], survival, median, incidence))
    return tuple(curves)


def _hazard_ratios(
    followup: Followup, groups: Groups, level: float
) -> tuple[tuple[Coefficient | FirthCoefficient, ...], HypothesisTest | None, str | None]:
    table = pd.DataFrame({"group": [groups.labels[code] for code in groups.code]})
    try:
        matrix = design(table, [Category("group", groups.labels)])
        try:
            model = cox(followup, matrix, level=level)
        except MonotoneLikelihood:
            return firth_cox(followup, matrix, level=level).coefficients, None, None
    except SurvivalError as error:
        return (), None, str(error)
    return model.coefficients, proportional_hazards_test(model).overall, None


def _restricted_means(
    followup: Followup, groups: Groups, times: Sequence[float], level: float
) -> tuple[RestrictedMean, ...]:
    arms = [(label, followup.take(rows)) for label, rows in groups]
    for horizon in sorted((time for time in times if time > 0), reverse=True):
        try:
            means = [restricted_mean(arm, horizon, level) for _, arm in arms]
        except InvalidFollowup:
            continue
        found: list[RestrictedMean] = []
        for (label, arm), mean in zip(arms, means, strict=True):
            difference, test = restricted_mean_difference(arm, arms[0][1], horizon, level)
            first = not found
            found.append(RestrictedMean(label, mean, None if first else difference, None if first else test))
        return tuple(found)
    return ()
