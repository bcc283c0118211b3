"""Times to events from times with a unit or from dates; impossible ones are left out by name."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analytics.study.columns import Column, read_dates, read_numbers, read_words
from analytics.study.data import Gathered
from analytics.study.problems import Consequence, Problem, problems_at
from analytics.study.spec import UNIT_DAYS, Endpoint, FollowUp, Study
from analytics.study.tables import TextTable, by_patient, read_table

_LONGEST_YEARS = 120.0
"""No follow-up of a person is longer: a longer one is in another unit than the study file says."""


def read_follow_up(study: Study, known: pd.Index, gathered: Gathered) -> dict[str, pd.DataFrame]:
    """Return `StudyData.follow_up`; problems and missing values are added to `gathered`."""
    follow_up = study.follow_up
    if follow_up is None:
        return {}
    table, ids, problems = by_patient(read_table(follow_up.table), follow_up.table.id_column, study.missing)
    gathered.problems += problems
    strangers = ~ids.isin(known)
    gathered.problems += [
        Problem(table.name, int(row), follow_up.table.id_column, "no match", "a patient of the patients table",
                Consequence.ROW_LEFT_OUT)
        for row in table.rows[strangers]
    ]  # fmt: skip
    table, ids = table.select(~strangers), ids[~strangers]
    start = None
    if follow_up.start_column is not None:
        start = _keep(gathered, read_dates(table, follow_up.start_column, study.missing, study.date_format))
    found = {}
    for endpoint in follow_up.endpoints:
        times = _times(study, follow_up, endpoint, table, start, gathered)
        events = _keep(gathered, read_words(table, endpoint.event_column, study.missing, _codes(endpoint)))
        usable = times.notna() & events.notna()
        frame = pd.DataFrame({"time": times[usable], "event": events[usable].astype(int)})
        frame.index = pd.Index(ids[usable], name="patient")
        found[endpoint.name] = frame
    gathered.problems += _deaths_out_of_order(follow_up, found, table, ids)
    return found


def _codes(endpoint: Endpoint) -> dict[str, str]:
    """Return value -> 0, 1 or 2; as text, for so the columns are read."""
    codes = dict.fromkeys(endpoint.censored, "0") | dict.fromkeys(endpoint.event, "1")
    return codes | dict.fromkeys(endpoint.competing, "2")


def _times(
    study: Study,
    follow_up: FollowUp,
    endpoint: Endpoint,
    table: TextTable,
    start: pd.Series | None,
    gathered: Gathered,
) -> pd.Series:
    longest = _LONGEST_YEARS * UNIT_DAYS["years"] / UNIT_DAYS[follow_up.unit]
    if endpoint.time_column is not None:
        return _keep(gathered, read_numbers(table, endpoint.time_column, study.missing, 0.0, longest))
    column = str(endpoint.date_column)
    dates = _keep(gathered, read_dates(table, column, study.missing, study.date_format))
    days = (dates - start).map(_days).astype("float64")
    wrong = (days < 0) | (days > longest * UNIT_DAYS[follow_up.unit])
    texts = table.column(column)
    allowed = f"a date from that of {follow_up.start_column} on, at most {_LONGEST_YEARS:g} years later"
    gathered.problems += problems_at(table.name, table.rows, wrong, column, texts, allowed, Consequence.VALUE_MISSING)
    return (days / UNIT_DAYS[follow_up.unit]).where(~wrong)


def _days(passed: pd.Timedelta) -> float:
    return passed / pd.Timedelta(days=1)


def _keep(gathered: Gathered, column: Column) -> pd.Series:
    gathered.problems += column.problems
    gathered.missing.append(column.missing)
    return column.values


def _deaths_out_of_order(
    follow_up: FollowUp, found: dict[str, pd.DataFrame], table: TextTable, ids: pd.Series
) -> Sequence[Problem]:
    """Note recurrences that come after the end of overall survival, where endpoints are called DFS and OS."""
    by_name = {endpoint.name.upper(): endpoint for endpoint in follow_up.endpoints}
    if not {"DFS", "OS"} <= by_name.keys():
        return []
    dfs, overall = found[by_name["DFS"].name], found[by_name["OS"].name]
    both = dfs.join(overall, rsuffix="_os", how="inner")
    # A day of room: months are rounded to a few digits.
    day = 1.0 / UNIT_DAYS[follow_up.unit]
    late = both.index[both["time"] > both["time_os"] + day]
    rows = pd.Series(np.asarray(table.rows), index=np.asarray(ids))
    column = by_name["DFS"].time_column or by_name["DFS"].date_column
    allowed = "disease-free survival that ends no later than overall survival"
    return [
        Problem(table.name, int(rows[patient]), column, "an end after that of overall survival", allowed,
                Consequence.NOTED)
        for patient in late
    ]  # fmt: skip
