"""Cox models: each candidate alone, then those that enter together, with checks of the joint model."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import pandas as pd

from analytics.errors import NotEstimable
from analytics.estimate import HypothesisTest
from analytics.report.blocks import Block, Number, Section, Table, Text
from analytics.report.figures.forest import draw_forest
from analytics.report.figures.residuals import draw_residuals
from analytics.report.frame import Variable, analysis_frame, covariates_of, in_steps, ratio_label, variable
from analytics.report.sections.followed import without_follow_up
from analytics.report.sections.imputed import imputed_block
from analytics.report.wording import estimate_text, numbers_table, p_text
from analytics.study.data import StudyData
from analytics.study.spec import Endpoint
from analytics.survival.cox import Coefficient, CoxModel
from analytics.survival.design import design
from analytics.survival.fine_gray import fine_gray
from analytics.survival.proportional_hazards import proportional_hazards_test, residual_plot
from analytics.survival.selection import FittedTable, RatioRow, RegressionTable, SelectionRule, regression_table
from analytics.survival.splines import nonlinearity_test
from analytics.survival.times import Followup

_TWO_RATIOS: Final = (
    "Cause-specific: a competing event censors, which tells what drives the event among those still free of all. "
    "Subdistribution, by Fine-Gray regression of the same terms: whoever had a competing event stays, which tells who "
    "gets the event in the end."
)
FIRTH_MARK: Final = " †"
"""Behind a hazard ratio by Firth's penalty."""


def cox_section(data: StudyData, advance: Callable[[], None]) -> Section | None:
    """Return the models of each endpoint.

    A competing event censors, which gives the cause-specific hazard; the subdistribution's stands beside.
    """
    follow_up, analysis = data.study.follow_up, data.study.analysis
    if follow_up is None or not analysis.candidates:
        return None
    frame = analysis_frame(data)
    known = {name: variable(data, name) for name in analysis.candidates if name in frame}
    forced = tuple(name for name in analysis.always if name in known)
    rule = SelectionRule(entry_p=analysis.entry_p, forced=forced)
    blocks: list[Block] = []
    numbers: list[Number] = []
    for endpoint in follow_up.endpoints:
        table = data.follow_up[endpoint.name].join(frame, how="inner", rsuffix="_covariate")
        advance()
        if (nothing := without_follow_up(endpoint, table)) is not None:
            blocks.append(nothing)
            continue
        if not (table["event"] == 1).any():
            blocks.append(
                Text(f"{endpoint.label}: no patient with follow-up has the event, so no model can be fitted.")
            )
            continue
        followup = Followup(table["time"].to_numpy(), table["event"].to_numpy(), follow_up.unit)
        columns = in_steps(table.reset_index(drop=True)[list(known)], known.values())
        found = regression_table(followup, columns, covariates_of(list(known.values())), rule)
        checks = _checks(endpoint, found.multivariable, known)
        beside = _subdistribution(followup, columns, [known[name] for name in found.entered])
        numbers += [
            *_numbers(endpoint, found, known, followup.competing),
            *(_beside(endpoint, each, known) for each in beside.values()),
            *_overall(endpoint, found, known),
            *(bends := _bends(endpoint, followup, columns, known)),
            *checks,
        ]
        blocks += [_cox_table(endpoint, found, known, rule, beside, followup.competing)]
        if analysis.imputation is not None and found.entered:
            entered = [known[name] for name in found.entered]
            block, filled = imputed_block(endpoint, followup, columns, entered, analysis.imputation)
            blocks.append(block)
            numbers += filled
        blocks += _blocks(endpoint, found, known, checks, followup.competing)
        if bends:
            title = f"{endpoint.label}: candidates on a scale, against a straight line"
            blocks.append(numbers_table(f"cox-linear-{endpoint.name}", title, bends))
    return Section("cox", "Cox models", tuple(blocks), tuple(numbers))


def _label(known: dict[str, Variable], column: str) -> str:
    name, _, level = column.partition(" = ")
    return ratio_label(known[name], level)


def _alone(found: RegressionTable) -> list[tuple[RatioRow, bool]]:
    """Return every line of the models of one candidate, and whether it is fitted by Firth's penalty."""
    return [
        (row, single.fitted.penalised)
        for single in found.univariable
        if single.fitted is not None
        for row in single.fitted.rows
    ]


def _numbers(endpoint: Endpoint, found: RegressionTable, known: dict[str, Variable], competing: bool) -> list[Number]:
    together = () if found.multivariable is None else found.multivariable.rows
    what = ", cause-specific" if competing else ""
    return [
        Number(
            f"cox.{endpoint.name}.{kind}.{row.column.replace(' = ', '.')}",
            f"{endpoint.label}, {kind}{what}: {_label(known, row.column)}",
            row.hazard_ratio,
            "ratio",
        )
        for kind, rows in (("alone", [row for row, _ in _alone(found)]), ("together", together))
        for row in rows
    ]


def _overall(endpoint: Endpoint, found: RegressionTable, known: dict[str, Variable]) -> list[Number]:
    """Return the joint tests of all levels of each factor of three and more, alone and together."""
    numbers = []
    for name, each in known.items():
        for kind, test in (("alone", _test_alone(found, name)), ("together", _test_together(found, name))):
            if len(each.levels) > 2 and test is not None:
                key = f"cox.{endpoint.name}.{kind}.{name}.overall"
                numbers.append(Number(key, f"{endpoint.label}, {kind}: {each.label}, all levels", test))
    return numbers


def _test_alone(found: RegressionTable, name: str) -> HypothesisTest | None:
    fitted = next((each.fitted for each in found.univariable if each.covariate == name), None)
    if fitted is None:
        return None
    return fitted.overall if fitted.model is None else fitted.model.term_test(name)


def _test_together(found: RegressionTable, name: str) -> HypothesisTest | None:
    joint = found.multivariable
    if joint is None or joint.model is None or name not in found.entered:
        return None
    return joint.model.term_test(name)


def _bends(endpoint: Endpoint, followup: Followup, columns: pd.DataFrame, known: dict[str, Variable]) -> list[Number]:
    """Return for each candidate on a scale whether a spline fits better than a line, as far as one can be fitted."""
    numbers = []
    for name, each in known.items():
        if each.levels:
            continue
        try:
            test = nonlinearity_test(followup, columns[name])
        except NotEstimable:
            continue
        key = f"cox.{endpoint.name}.{name}.nonlinearity"
        numbers.append(Number(key, f"{each.label}: curve against line", test))
    return numbers


def _blocks(
    endpoint: Endpoint, found: RegressionTable, known: dict[str, Variable], checks: list[Number], competing: bool
) -> list[Block]:
    blocks: list[Block] = []
    if found.warnings:
        blocks.append(Text(f"{endpoint.label}: " + "; ".join(found.warnings) + "."))
    if found.multivariable is not None:
        rows = [(_label(known, row.column), row.hazard_ratio, row.p_value) for row in found.multivariable.rows]
        kind = "Cause-specific hazard ratio" if competing else "Hazard ratio"
        title = f"{endpoint.label}: {kind.lower()}s of the multivariable model"
        blocks.append(draw_forest(rows, f"forest-{endpoint.name}", title, f"{kind} (log scale)"))
        blocks.append(
            numbers_table(f"cox-checks-{endpoint.name}", f"{endpoint.label}: the multivariable model", checks)
        )
        if found.multivariable.model is not None:
            blocks.append(_residuals(endpoint, found.multivariable.model, known))
    return blocks


def _residuals(endpoint: Endpoint, model: CoxModel, known: dict[str, Variable]) -> Block:
    plots = [(_label(known, column), residual_plot(model, column)) for column in model.columns]
    title = f"{endpoint.label}: effects over time in the multivariable model"
    return draw_residuals(plots, f"residuals-{endpoint.name}", title, model.followup.unit)


def _cox_table(
    endpoint: Endpoint,
    found: RegressionTable,
    known: dict[str, Variable],
    rule: SelectionRule,
    beside: dict[str, Coefficient],
    competing: bool,
) -> Table:
    """Return the table; `beside` holds the subdistribution's coefficients by column where causes compete."""
    together = {} if found.multivariable is None else {row.column: row for row in found.multivariable.rows}
    rows, before = [], ""
    for row, penalised in _alone(found):
        if row.covariate != before and len(known[row.covariate].levels) > 2:
            rows.append(_overall_row(found, row.covariate, known, competing))
        before = row.covariate
        other = together.get(row.column)
        more: tuple[str, ...] = (
            ("", "") if other is None else (estimate_text(other.hazard_ratio, "ratio"), p_text(other.p_value))
        )
        if competing:
            share = beside.get(row.column)
            more += ("", "") if share is None else (estimate_text(share.hazard_ratio, "ratio"), p_text(share.p_value))
        events = f"{row.hazard_ratio.count or 0:,} / {row.hazard_ratio.n:,}"
        alone = (estimate_text(row.hazard_ratio, "ratio") + (FIRTH_MARK if penalised else ""), p_text(row.p_value))
        rows.append((_label(known, row.column), events, *alone, *more))
    methods = {single.fitted.method for single in found.univariable if single.fitted is not None}
    note = (
        f"Alone: {', '.join(sorted(methods))}. A candidate with p < {rule.entry_p:g} alone, or one of "
        f"{', '.join(known[name].label for name in rule.forced) or 'none'}, enters together. "
    )
    if any(penalised for _, penalised in _alone(found)):
        note += f"{FIRTH_MARK.strip()} By Firth's penalty: events are few, or separate the patients perfectly. "
    if found.multivariable is not None:
        joint = found.multivariable
        counts = f"n = {joint.n:,}, {joint.n_events:,} events, {joint.n_missing:,} with missing values"
        note += f"Together: {joint.method}; {counts}."
    header: tuple[str, ...] = ("", "Events / n", "Alone", "p", "Together", "p")
    if competing:
        header = ("", "Events / n", "Alone, cause-specific", "p", "Together, cause-specific", "p",
                  "Together, subdistribution", "p")  # fmt: skip
        note += f" {_TWO_RATIOS}"
    return Table(f"cox-{endpoint.name}", f"{endpoint.label}: hazard ratios", header, tuple(rows), note)


def _overall_row(found: RegressionTable, name: str, known: dict[str, Variable], competing: bool) -> tuple[str, ...]:
    tests = _test_alone(found, name), _test_together(found, name)
    alone, together = ("" if test is None else p_text(test.p_value) for test in tests)
    return (f"{known[name].label}, all levels", "", "", alone, "", together, *(("", "") if competing else ()))


def _checks(endpoint: Endpoint, fitted: FittedTable | None, known: dict[str, Variable]) -> list[Number]:
    if fitted is None:
        return []
    key = f"cox.{endpoint.name}.model"
    numbers = [Number(f"{key}.likelihood_ratio", "Likelihood-ratio test of the model", fitted.overall)]
    if fitted.model is not None:
        numbers.append(Number(f"{key}.concordance", "Harrell's C, on the data of the fit", fitted.model.concordance))
        numbers += _proportional(key, fitted.model, known)
    return numbers


def _proportional(key: str, model: CoxModel, known: dict[str, Variable]) -> list[Number]:
    try:
        hazards = proportional_hazards_test(model)
    except NotEstimable as error:
        failed = HypothesisTest(math.nan, math.nan, "test of proportional hazards", model.n, note=str(error))
        return [Number(f"{key}.proportional", "Proportional hazards", failed)]
    terms = [
        Number(f"{key}.proportional.{term}", f"Proportional hazards, {known[term].label}", test)
        for term, test in hazards.by_term.items()
    ]
    return [Number(f"{key}.proportional", "Proportional hazards, all terms", hazards.overall), *terms]


def _subdistribution(followup: Followup, columns: pd.DataFrame, entered: Sequence[Variable]) -> dict[str, Coefficient]:
    """Return the Fine-Gray model of the same terms by column, for which a competing event is no censoring."""
    if not followup.competing or not entered:
        return {}
    try:
        model = fine_gray(followup, design(columns, covariates_of(entered)))
    except NotEstimable:
        return {}
    return {each.column: each for each in model.coefficients}


def _beside(endpoint: Endpoint, each: Coefficient, known: dict[str, Variable]) -> Number:
    key = f"cox.{endpoint.name}.subdistribution.{each.column.replace(' = ', '.')}"
    label = f"{endpoint.label}, subdistribution: {_label(known, each.column)}"
    return Number(key, label, each.hazard_ratio, "ratio")
