"""A study's data after reading: typed, matched by patient, with everything that was wrong."""

from dataclasses import dataclass, field

import pandas as pd

from analytics.study.problems import Consequence, FlowStep, MissingCount, Problem
from analytics.study.rater_nodes import RaterNodes
from analytics.study.spec import Study

UNINTERPRETABLE = "uninterpretable"
"""Status of a patient whose judgement is neither positive nor negative."""


@dataclass(frozen=True)
class StudyData:
    """Everything that analyses start from."""

    study: Study

    patients: pd.DataFrame
    """One row per patient by identifier; one column per covariate by its name (float64 or meaning)."""

    judgements: dict[str, pd.DataFrame]
    """By rater; one row per judged patient of `patients`, columns `status` (positive, negative, uninterpretable),
    `region`, `short_axis_mm`, `probability`, as far as the rater gives them."""

    follow_up: dict[str, pd.DataFrame]
    """By endpoint; one row per patient with usable follow-up, columns `time` (in the study's unit) and `event`
    (0 censored, 1 event, 2 competing event)."""

    problems: tuple[Problem, ...]
    missing: tuple[MissingCount, ...]
    flow: tuple[FlowStep, ...]
    nodes: dict[str, RaterNodes] = field(default_factory=dict)
    """By rater, of those who name single nodes."""

    @property
    def stops(self) -> tuple[Problem, ...]:
        """Problems with which a report would be of other data than was written."""
        return tuple(problem for problem in self.problems if problem.consequence is Consequence.STOPS)

    @property
    def lost(self) -> tuple[Problem, ...]:
        """Problems by which something that was written takes no part in the analyses."""
        return tuple(problem for problem in self.problems if problem.consequence.loses)


@dataclass
class Gathered:
    """What reading one table after another brings together."""

    problems: list[Problem] = field(default_factory=list)
    missing: list[MissingCount] = field(default_factory=list)
    flow: list[FlowStep] = field(default_factory=list)
