"""Follow-up and outcome of everybody together, before any stratum."""

from collections.abc import Sequence

from analytics.estimate import Estimate
from analytics.report.blocks import Number
from analytics.study.spec import Endpoint
from analytics.survival.comparison import horizon_of
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.kaplan_meier import (
    kaplan_meier,
    median_followup,
    median_survival,
    restricted_mean,
    survival_at,
)
from analytics.survival.times import Followup


def whole_cohort(endpoint: Endpoint, whole: Followup, times: Sequence[float]) -> list[Number]:
    """Return median follow-up, then survival at `times`, its median and restricted mean; or incidence at `times`.

    With competing events there is incidence alone. The restricted mean goes to the last of `times` that somebody was
    followed to.
    """
    key, unit = f"survival.{endpoint.name}", whole.unit
    followed = Number(
        f"{key}.follow_up", f"{endpoint.label}: median follow-up", median_followup(whole.of_any_cause()), unit=unit
    )
    if any(cause > 1 for cause in whole.causes):
        found = incidence_at(cumulative_incidence(whole), times)
        return [followed, *_at_times(f"{key}.whole.incidence", f"{endpoint.label}: incidence", found, times, unit)]
    curve = kaplan_meier(whole)
    horizon = horizon_of([whole], times)
    return [
        followed,
        *_at_times(f"{key}.whole.survival", endpoint.label, survival_at(curve, times), times, unit),
        Number(f"{key}.whole.median", f"{endpoint.label}: median", median_survival(curve), unit=unit),
        Number(
            f"{key}.whole.restricted_mean",
            f"{endpoint.label}: restricted mean to {horizon:g} {unit}",
            restricted_mean(whole, horizon),
            unit=unit,
        ),
    ]


def _at_times(key: str, label: str, found: Sequence[Estimate], times: Sequence[float], unit: str) -> list[Number]:
    return [
        Number(f"{key}_{time:g}", f"{label} at {time:g} {unit}", estimate, "percent")
        for time, estimate in zip(times, found, strict=True)
    ]
