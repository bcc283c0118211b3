"""The table below a survival figure, of groups whose hazards cross and of those whose do not."""

import numpy as np
import pandas as pd

from analytics.report.sections.panels import Panel
from analytics.report.sections.survival_table import group_table
from analytics.study.spec import Endpoint, Stratum
from analytics.survival.comparison import compare_groups
from analytics.survival.times import Followup, group_by

ENDPOINT = Endpoint("OS", "Overall survival", "death", ("1",), ("0",))
# Half of each group die, the first group within five months and the second after thirty.
LATE = [31.0, 32, 33, 34, 35]


def table(second: list[float], missing: int = 0) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], str]:
    time = np.array([1.0, 2, 3, 4, 5, *[60] * 5, *second, *[60] * 5])
    followup = Followup(time, np.array([1] * 5 + [0] * 5 + [1] * 5 + [0] * 5))
    groups = group_by(["a"] * 10 + ["b"] * 10)
    panel = Panel(
        "key", "OS by status", ENDPOINT, Stratum(("s",)), ("status",), pd.DataFrame(), followup, groups, missing
    )
    found = group_table(panel, compare_groups(followup, groups, (48.0,)), (48.0,), [])
    return found.header, found.rows, found.note


def test_where_hazards_are_not_proportional_the_table_says_so_and_gives_restricted_means() -> None:
    header, (first, second), note = table(LATE)
    assert header == (
        "", "Events / n", "Median, months", "48 months", "Hazard ratio", "Restricted mean to 48 months, difference",
    )  # fmt: skip
    assert first[-2:] == ("reference", "reference")
    # Worked by hand in the test of the comparison.
    assert second[-1].startswith("15.00 (")
    assert "Hazards are not proportional (p = 0.0" in note or "Hazards are not proportional (p < 0.001)" in note
    assert "no single hazard ratio holds over the whole follow-up" in note


def test_where_nothing_speaks_against_proportional_hazards_the_ratio_stands_alone() -> None:
    header, (first, second), note = table([1.5, 2.5, 3.5, 4.5, 5.5], missing=3)
    assert header[-1] == "Hazard ratio"
    assert (first[0], first[1], first[-1]) == ("a", "5 / 10", "reference")
    assert second[3].startswith("50.0 % (")
    assert "proportional" not in note
    assert "3 patients without a group are left out." in note


def test_a_median_that_more_than_half_outlive_is_not_reached() -> None:
    time = np.array([1.0, 2, *[60] * 8, 3, 4, 5, 6, 7, 8, *[60] * 4])
    followup = Followup(time, (time < 60).astype(int))
    groups = group_by(["a"] * 10 + ["b"] * 10)
    panel = Panel("key", "OS by status", ENDPOINT, Stratum(("s",)), ("status",), pd.DataFrame(), followup, groups, 0)
    first, second = group_table(panel, compare_groups(followup, groups, (48.0,)), (48.0,), []).rows
    assert first[2] == "not reached"
    # One half live from 7 to 8 months: the middle, as in R.
    assert second[2].startswith("7.50 (")
