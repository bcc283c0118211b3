"""The patients that a regression model is fitted to, and what has to hold for them."""

from analytics.survival.design import Design
from analytics.survival.errors import InvalidCovariate, NoEvents
from analytics.survival.times import Followup, Groups


def complete_cases(
    followup: Followup, design: Design, strata: Groups | None, model: str
) -> tuple[Followup, Groups | None]:
    """Return follow-up and strata of the rows of the design matrix, checked for what every model needs.

    `model` names it in messages. Raises NoEvents, and InvalidCovariate without any covariate, where the rows are
    neither those of the table nor those of its complete cases, and for a covariate that is known only after the clock
    started: those who lived to have it known would seem immortal before.
    """
    if not design.columns:
        raise InvalidCovariate(f"{model} needs at least one covariate, got none")
    for term in design.terms:
        if term.known_from > followup.landmark:
            raise InvalidCovariate(
                f"{term.name} is known from {term.known_from:g} {followup.unit} on, the clock starts at "
                f"{followup.landmark:g}; use a landmark analysis at {term.known_from:g} {followup.unit} or later"
            )
    rows = len(design.matrix)
    for name, length in (("follow-up", len(followup)), ("strata", rows if strata is None else len(strata))):
        if length not in (rows, len(design.complete)):
            raise InvalidCovariate(
                f"the {name} has {length} rows, the covariates have {len(design.complete)}, {rows} of them complete"
            )
    if len(followup) != rows:
        followup = followup.take(design.complete)
    if strata is not None and len(strata) != rows:
        strata = strata.take(design.complete)
    if followup.n_events == 0:
        raise NoEvents(model, len(followup))
    return followup, strata
