"""Whether two variables do more together than each alone: looked at before anybody says synergistic."""

import pandas as pd

from analytics.errors import NotEstimable
from analytics.report.blocks import Number
from analytics.report.sections.panels import Panel
from analytics.survival.design import Category
from analytics.survival.interaction import additive_interaction, product_term


def interaction_numbers(panel: Panel) -> list[Number]:
    """Return the product term, the excess risk due to interaction and its share, of a joint stratum of two variables.

    The excess (RERI) and its share are for two variables of two levels. What cannot be fitted is left out, and with
    competing events there is none of it.
    """
    if len(panel.stratum.by) != 2 or any(cause > 1 for cause in panel.followup.causes):
        return []
    first, second = panel.labels
    columns = {label: panel.table[name] for label, name in zip(panel.labels, panel.stratum.by, strict=True)}
    covariates = [Category(label, tuple(map(str, column.cat.categories))) for label, column in columns.items()]
    numbers = []
    try:
        table = pd.DataFrame(columns).reset_index(drop=True)
        product = product_term(panel.followup, table, covariates[0], covariates[1])
        numbers.append(
            Number(f"{panel.key}.product", f"Interaction of {first} and {second} (multiplicative)", product.test)
        )
        if all(len(each.levels) == 2 for each in covariates):
            coded = pd.DataFrame({name: column.cat.codes.to_numpy() for name, column in columns.items()})
            found = additive_interaction(panel.followup, coded, first, second)
            label = f"Excess risk due to interaction of {first} and {second} (RERI): {found.wording}"
            numbers.append(Number(f"{panel.key}.reri", label, found.excess))
            label = f"Share of the hazard of both that is due to interaction of {first} and {second}"
            numbers.append(Number(f"{panel.key}.attributable_proportion", label, found.proportion))
    except NotEstimable:
        return numbers
    return numbers
