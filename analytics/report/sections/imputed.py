"""The multivariable Cox model with missing covariates filled in, beside that of the complete cases."""

from collections.abc import Sequence

import pandas as pd

from analytics.errors import NotEstimable
from analytics.report.blocks import Block, Number, Table, Text
from analytics.report.frame import Variable, covariates_of, ratio_label
from analytics.report.wording import estimate_text, p_text
from analytics.study.spec import Endpoint, Imputation
from analytics.survival.imputation import imputed_cox
from analytics.survival.times import Followup


def imputed_block(
    endpoint: Endpoint, followup: Followup, columns: pd.DataFrame, entered: Sequence[Variable], asked: Imputation
) -> tuple[Block, list[Number]]:
    """Return the table of the terms that entered, or why there is none, and its numbers."""
    try:
        model = imputed_cox(followup, columns, covariates_of(entered), asked.imputations, asked.seed)
    except NotEstimable as error:
        return Text(f"{endpoint.label}: no model with missing values filled in: {error}."), []
    known = {each.name: each for each in entered}
    rows, numbers = [], []
    for each in model.coefficients:
        name, _, level = each.column.partition(" = ")
        label = ratio_label(known[name], level)
        ratio, p_value = estimate_text(each.hazard_ratio, "ratio"), p_text(each.p_value)
        rows.append((label, ratio, p_value, f"{100 * each.missing_information:.0f} %"))
        key = f"cox.{endpoint.name}.imputed.{each.column.replace(' = ', '.')}"
        numbers.append(Number(key, f"{endpoint.label}, imputed: {label}", each.hazard_ratio, "ratio"))
    what = "cause-specific hazard ratios" if followup.competing else "hazard ratios"
    title = f"{endpoint.label}: {what} with missing values filled in"
    header = ("", "Together, imputed", "p", "Missing information")
    return Table(
        f"cox-imputed-{endpoint.name}", title, header, tuple(rows), _note(asked, model.n, model.n_imputed)
    ), numbers


def _note(asked: Imputation, n: int, filled: int) -> str:
    return (
        f"{n:,} patients, {filled:,} of them with values filled in: {asked.imputations} tables by chained equations "
        f"with predictive mean matching (statsmodels, seed {asked.seed}) from the other covariates, the event and the "
        "Nelson-Aalen hazard (White and Royston, Stat Med 2009;28:1982-1998), pooled by Rubin's rules. Levels are "
        "matched by their place in the order. Values missing for reasons that no column tells bias this model as well."
    )
