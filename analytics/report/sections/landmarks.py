"""Landmark analyses: what covariates are worth that are known only some time after the start of follow-up."""

from collections.abc import Sequence

import pandas as pd

from analytics.errors import NotEstimable
from analytics.report.blocks import Block, Number, Text
from analytics.report.figures.forest import draw_forest
from analytics.report.frame import in_steps, ratio_label, variable
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData
from analytics.study.spec import Endpoint
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Category, Covariate, design
from analytics.survival.design import Number as Scale
from analytics.survival.landmark import Landmark, landmark
from analytics.survival.times import Followup


def landmark_blocks(
    data: StudyData, endpoint: Endpoint, followup: Followup, table: pd.DataFrame, others: Sequence[Covariate]
) -> tuple[list[Block], list[Number]]:
    """Return a Cox model from each landmark on, of what is known by then and `others`; the clock starts there."""
    blocks: list[Block] = []
    numbers: list[Number] = []
    for at in sorted({each.known_from for each in data.study.covariates if each.known_from > 0}):
        late = [each for each in data.study.covariates if 0 < each.known_from <= at]
        known = [variable(data, each.name) for each in late]
        added: list[Covariate] = [
            Category(each.name, each.levels, each.known_from) if each.levels else Scale(each.name, each.known_from)
            for each in known
        ]
        terms = [*others, *added]
        when = f"{at:g} {followup.unit}"
        try:
            mark = landmark(followup, at)
            rows = in_steps(table.loc[mark.rows].reset_index(drop=True), [variable(data, each.name) for each in terms])
            model = cox(mark.followup, design(rows, terms))
        except NotEstimable as error:
            blocks.append(Text(f"{endpoint.label}: no landmark analysis at {when}: {error}."))
            continue
        made = _numbers(data, f"landmark.{endpoint.name}.{at:g}", model)
        kind = "cause-specific hazard ratios" if followup.competing else "hazard ratios"
        title = f"{endpoint.label}: {kind} from {when} on"
        lines = [(number.label, each.hazard_ratio, each.p_value) for number, each in
                zip(made, model.coefficients, strict=True)]  # fmt: skip
        key = f"landmark-{endpoint.name}-{at:g}"
        blocks += [
            draw_forest(lines, key, title, "Hazard ratio (log scale)"),
            numbers_table(f"{key}-table", title, made, _note(mark, model, when)),
        ]
        numbers += made
    return blocks, numbers


def _numbers(data: StudyData, key: str, model: CoxModel) -> list[Number]:
    numbers = []
    for each in model.coefficients:
        name, _, level = each.column.partition(" = ")
        label = ratio_label(variable(data, name), level)
        numbers.append(Number(f"{key}.{each.column.replace(' = ', '.')}", label, each.hazard_ratio, "ratio"))
    return numbers


def _note(mark: Landmark, model: CoxModel, when: str) -> str:
    return (
        f"Landmark at {when} (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710-719): left out are "
        f"{mark.events_before:,} patients with an event before and {mark.censored_before:,} whose observation ended "
        f"before. {model.n:,} patients, {model.n_events:,} events after."
    )
