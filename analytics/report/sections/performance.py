"""What survival models are worth: discrimination, calibration, what the model's status adds, and landmarks."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from analytics.errors import NotEstimable
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number, Section, Text
from analytics.report.figures.performance import draw_auc_over_time, draw_survival_calibration
from analytics.report.figures.scores import draw_net_benefit
from analytics.report.frame import Variable, analysis_frame, variable
from analytics.report.sections.followed import without_follow_up
from analytics.report.sections.landmarks import landmark_blocks
from analytics.report.wording import in_sentence, numbers_table
from analytics.study.data import StudyData
from analytics.study.spec import Endpoint, Study
from analytics.survival.calibration import calibration
from analytics.survival.decision import decision_curve
from analytics.survival.design import Category, Covariate, design
from analytics.survival.design import Number as Scale
from analytics.survival.discrimination import time_dependent_auc
from analytics.survival.fine_gray import FineGrayModel
from analytics.survival.gain import Gain, gain
from analytics.survival.internal_validation import internal_validation
from analytics.survival.prediction_error import brier_score, prediction_accuracy
from analytics.survival.risk_models import RiskModel, predicted_risk
from analytics.survival.times import Followup

_MOST_SAMPLES: Final = 200
_LEAST_SAMPLES: Final = 20
_ROWS_TO_FIT: Final = 200_000
"""Rows of all bootstrap samples together; a large study needs fewer samples for the same optimism."""

_POINTS: Final = 12
_ABSOLUTE: Final = (
    "A competing event is no censoring: models are Fine-Gray's, observed risks Aalen-Johansen's, and whoever had a "
    "competing event is free of the event of interest in AUC, C and Brier score."
)
_CERTAIN: Final = 1e-9
"""Predicted risks keep this far from 0 and 1."""


def performance_is_asked(study: Study) -> bool:
    """Return whether a study with follow-up gets this section."""
    return study.analysis.gain is not None or any(each.known_from for each in study.covariates)


def performance_section(data: StudyData, advance: Callable[[], None]) -> Section | None:
    """Return for each endpoint the gain that the study asks for, and landmark models of what is known later.

    Landmark models adjust for the covariates of the gain, or else for the status by the model. With competing events
    the gain is of absolute risk, by Fine-Gray models; landmark models give cause-specific hazard ratios.
    """
    follow_up, asked = data.study.follow_up, data.study.analysis.gain
    if follow_up is None or not performance_is_asked(data.study):
        return None
    frame = analysis_frame(data)
    over = asked.over if asked else ()
    adds = asked.added if asked else tuple(rater.name for rater in data.study.raters_of("model")[:1])
    blocks: list[Block] = []
    numbers: list[Number] = []
    for endpoint in follow_up.endpoints:
        advance()
        table = data.follow_up[endpoint.name].join(frame, how="inner", rsuffix="_covariate").reset_index(drop=True)
        if (nothing := without_follow_up(endpoint, table)) is not None:
            blocks.append(nothing)
            continue
        followup = Followup(table["time"].to_numpy(), table["event"].to_numpy(), follow_up.unit)
        known = [variable(data, name) for name in (*over, *adds) if name in frame]
        base, added = ([each for each in known if each.name in names] for names in (over, adds))
        made = [] if asked is None else [_performance(endpoint, followup, table, base, added, follow_up.times)]
        covariates = [_covariate(each) for each in (*base, *added)]
        made.append(landmark_blocks(data, endpoint, followup, table, covariates))
        for of_part, numbers_of_part in made:
            blocks += of_part
            numbers += numbers_of_part
    if asked is None:
        return Section("performance", "Landmark analyses", tuple(blocks), tuple(numbers))
    return Section("performance", "Performance of survival models", tuple(blocks), tuple(numbers))


def _named(items: Sequence[Variable]) -> str:
    return ", ".join(in_sentence(each.label) for each in items)


def _covariate(each: Variable) -> Covariate:
    return Category(each.name, each.levels) if each.levels else Scale(each.name)


def _performance(
    endpoint: Endpoint,
    followup: Followup,
    table: pd.DataFrame,
    base: Sequence[Variable],
    added: Sequence[Variable],
    times: Sequence[float],
) -> tuple[list[Block], list[Number]]:
    before, more_known = ([_covariate(each) for each in items] for items in (base, added))
    try:
        found = gain(followup, table, before, more_known, times)
    except NotEstimable as error:
        return [Text(f"{endpoint.label}: no model of performance: {error}.")], []
    names = [_named(items) for items in (base, [*base, *added])]
    key, title = f"performance.{endpoint.name}", f"{endpoint.label}: what {_named(added)} adds"
    numbers = _gain_numbers(key, found, names, times)
    more, drawn = _calibrations(key, endpoint, found.added, times)
    numbers += more + _validation(key, followup, table, [*before, *more_known])
    note = f"{found.added.n:,} patients with every covariate. Gain and calibration are {found.note}."
    if followup.competing:
        note += f" {_ABSOLUTE}"
    return [
        _auc_figure(key, endpoint, found, names),
        *drawn,
        numbers_table(key, title, numbers, note),
    ], numbers


def _gain_numbers(key: str, found: Gain, names: Sequence[str], times: Sequence[float]) -> list[Number]:
    both = found.concordance
    kind = "wald" if isinstance(found.added, FineGrayModel) else "likelihood_ratio"
    numbers = [
        Number(f"{key}.{kind}", f"{names[1]} against {names[0]}", found.test),
        Number(f"{key}.c_without", f"Harrell's C of {names[0]}", both.second),
        Number(f"{key}.c_with", f"Harrell's C of {names[1]}", both.first),
        Number(f"{key}.c_gain", "Gain of C", both.difference),
        Number(f"{key}.c_gain.test", "Gain of C: test", both.test),
    ]
    for time, auc in zip(times, found.auc, strict=True):
        label = f"AUC at {time:g} {found.added.followup.unit}"
        numbers += [
            Number(f"{key}.auc_{time:g}_without", f"{label} of {names[0]}", auc.second),
            Number(f"{key}.auc_{time:g}_with", f"{label} of {names[1]}", auc.first),
            Number(f"{key}.auc_{time:g}_gain", f"{label}, gain", auc.difference),
            Number(f"{key}.auc_{time:g}_gain.test", f"{label}, gain: test", auc.test),
        ]
    return numbers


def _auc_figure(key: str, endpoint: Endpoint, found: Gain, names: Sequence[str]) -> Block:
    """Return both models' curves from the first tenth of the events to the last."""
    followup = found.added.followup
    events = followup.time[followup.event == 1]
    times = np.unique(np.quantile(events, np.linspace(0.1, 0.95, _POINTS))).tolist()
    curves: list[tuple[str, Sequence[Estimate]]] = [
        (name, time_dependent_auc(followup, model.linear_predictor, times))
        for name, model in zip(names, (found.without, found.added), strict=True)
    ]
    title = f"{endpoint.label}: area under the ROC curve over time"
    return draw_auc_over_time(times, curves, followup.unit, f"auc-{endpoint.name}", title)


def _calibrations(
    key: str, endpoint: Endpoint, model: RiskModel, times: Sequence[float]
) -> tuple[list[Number], list[Block]]:
    """Return what predicted risks are worth, and two plots, at each time that somebody is followed to."""
    numbers: list[Number] = []
    drawn: list[Block] = []
    risks = predicted_risk(model, model.matrix + model.means, times)
    for column, time in enumerate(times):
        risk = np.clip(risks[:, column], _CERTAIN, 1 - _CERTAIN)
        if time > model.followup.time.max() or risk.max() <= _CERTAIN:
            continue
        found, when = calibration(model.followup, risk, time), f"{time:g} {model.followup.unit}"
        numbers += [
            Number(
                f"{key}.observed_to_expected_{time:g}",
                f"Observed over expected risk by {when}",
                found.observed_to_expected,
                "ratio",
            ),
            Number(f"{key}.brier_{time:g}", f"Brier score at {when}", brier_score(model.followup, risk, time)),
            Number(
                f"{key}.scaled_brier_{time:g}",
                f"Scaled Brier score at {when}",
                prediction_accuracy(model.followup, risk, time),
            ),
        ]
        title = f"{endpoint.label}: calibration at {when}"
        drawn.append(draw_survival_calibration(found, f"calibration-{endpoint.name}-{time:g}", title))
        benefit, title = decision_curve(model.followup, risk, time), f"{endpoint.label}: decision curve at {when}"
        drawn.append(draw_net_benefit(benefit, f"decision-{endpoint.name}-{time:g}", title))
    return numbers, drawn


def _validation(key: str, followup: Followup, table: pd.DataFrame, covariates: Sequence[Covariate]) -> list[Number]:
    """Return C and calibration slope corrected for optimism; nothing where too few samples give a model."""
    samples = min(_MOST_SAMPLES, max(_LEAST_SAMPLES, _ROWS_TO_FIT // max(len(table), 1)))
    try:
        found = internal_validation(followup, design(table, covariates), replicates=samples)
    except NotEstimable:
        return []
    return [
        Number(f"{key}.c_corrected", "Harrell's C corrected for optimism", found.corrected),
        Number(f"{key}.slope_corrected", "Calibration slope to expect elsewhere", found.slope),
    ]
