"""Landmark analysis (Anderson, Cain & Gelber 1983) for covariates that are known only after follow-up began."""

from dataclasses import dataclass, replace

import numpy as np

from analytics.survival.errors import InvalidFollowup, NotFollowed
from analytics.survival.times import BoolArray, FloatArray, Followup


@dataclass(frozen=True)
class Landmark:
    """The patients who were still observed and free of every event at the landmark, with the clock reset there."""

    followup: Followup
    """Time from the landmark on; its `landmark` admits covariates that are known by then."""

    rows: BoolArray
    """Shape (patients before,), who is in `followup`, in the same order."""

    events_before: int
    """Patients left out because an event came first."""

    censored_before: int
    """Patients left out because their observation ended first."""

    unknown: int
    """Patients left out because their covariate was not yet known."""


def landmark(followup: Followup, at: float, known_at: FloatArray | None = None) -> Landmark:
    """Return the landmark population at time `at`, in the unit of the follow-up.

    `known_at`, shape (n,), is when each patient's covariate became known, such as the time of surgery for a complete
    pathological response; not a number where it never did. Raises NotFollowed where nobody is left.
    """
    if not at > followup.landmark:
        raise InvalidFollowup(f"a landmark has to lie after {followup.landmark:g} {followup.unit}, got {at:g}")
    elapsed = at - followup.landmark
    observed = followup.time > elapsed
    known = np.ones(len(followup), dtype=np.bool_) if known_at is None else np.asarray(known_at <= at)
    rows = observed & known
    if not rows.any():
        raise NotFollowed(f"nobody was observed beyond the landmark at {at:g} {followup.unit}")
    left = followup.take(rows)
    return Landmark(
        followup=replace(left, time=left.time - elapsed, landmark=at),
        rows=rows,
        events_before=int((~observed & (followup.event > 0)).sum()),
        censored_before=int((~observed & (followup.event == 0)).sum()),
        unknown=int((observed & ~known).sum()),
    )
