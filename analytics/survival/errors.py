"""What can be wrong with survival data; messages name columns and counts, never a patient.

Those that are also `NotEstimable` come of the data alone; the others of a call that the data could not make right.
"""

from collections.abc import Sequence

from analytics.errors import NotEstimable


class SurvivalError(ValueError):
    """The data do not allow the analysis; the text says what was got and what is allowed."""


class InvalidFollowup(SurvivalError):
    """Times or events are not what they have to be."""


class NotFollowed(InvalidFollowup, NotEstimable):
    """Nobody was observed for as long as the analysis needs."""


class InvalidCovariate(SurvivalError):
    """A covariate is missing, empty or of the wrong kind."""


class UnusableCovariate(InvalidCovariate, NotEstimable):
    """Among the patients analysed a covariate has nothing to compare."""


class NoEvents(SurvivalError, NotEstimable):
    """Nothing can be estimated because nobody had the event."""

    def __init__(self, analysis: str, n: int) -> None:
        self.n = n
        super().__init__(f"{analysis} needs at least one event, got none among {n} patients")


class CollinearCovariates(SurvivalError, NotEstimable):
    """Some columns carry no information of their own among the patients at risk."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(
            f"{', '.join(columns)}: constant or a combination of one another among the patients at risk when events "
            "happen; leave out a column or merge categories"
        )


class MonotoneLikelihood(SurvivalError, NotEstimable):
    """A coefficient has no finite estimate: the events are perfectly separated (Heinze & Schemper 2001)."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(
            f"the events are perfectly separated by {', '.join(columns)}, so that the hazard ratio has no finite "
            "estimate; use Firth's penalised likelihood or merge categories"
        )


class NoRobustVariance(SurvivalError, NotEstimable):
    """The residuals of so few events cancel, so that the robust variance of a coefficient is nothing but rounding."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(
            f"{', '.join(columns)}: no robust variance, since the residuals of the events cancel; more are needed"
        )


class NotConverged(SurvivalError, NotEstimable):
    """The iteration ended without a maximum."""

    def __init__(self, model: str, iterations: int) -> None:
        super().__init__(f"{model} did not converge within {iterations} iterations; look for extreme covariate values")
