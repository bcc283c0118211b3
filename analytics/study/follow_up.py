"""Times to events from times with a unit or from dates; impossible ones are left out by name."""

import datetime
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from analytics.endpoints import cannot_exceed, endpoint_kind
from analytics.study.columns import Column, read_dates, read_numbers, read_words
from analytics.study.data import Gathered
from analytics.study.problems import Consequence, Problem, problems_at
from analytics.study.spec import UNIT_DAYS, Endpoint, FollowUp, Study
from analytics.study.tables import TextTable, by_patient, read_table

_INFORMATIVE: Final = 0.01
"""Share of times beyond the bound from which they are no slips: leaving the longest out would bias survival."""

_LONG_YEARS: Final = 20.0
"""Median follow-up from which the unit is asked about."""


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
        start = _dates(study, table, follow_up.start_column, gathered)
    found = {}
    for endpoint in follow_up.endpoints:
        times = _times(study, follow_up, endpoint, table, start, gathered)
        events = _keep(gathered, read_words(table, endpoint.event_column, study.missing, _codes(endpoint)))
        usable = times.notna() & events.notna()
        time = times[usable] * (UNIT_DAYS[follow_up.table_unit] / UNIT_DAYS[follow_up.unit])
        frame = pd.DataFrame({"time": time, "event": events[usable].astype(int)})
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
    """Return times in the table's unit; those beyond the bound of what is plausible count as missing and are told."""
    unit = follow_up.table_unit
    longest = follow_up.longest_years * UNIT_DAYS["years"] / UNIT_DAYS[unit]
    column = str(endpoint.time_column or endpoint.date_column)
    if endpoint.time_column is not None:
        times = _keep(gathered, read_numbers(table, column, study.missing))
        allowed = f"a time of 0 to {longest:g} {unit} ({follow_up.longest_years:g} years)"
    else:
        dates = _dates(study, table, column, gathered)
        times = (dates - start).map(_days).astype("float64") / UNIT_DAYS[unit]
        allowed = f"a date from that of {follow_up.start_column} on, at most {follow_up.longest_years:g} years later"
    wrong = (times < 0) | (times > longest)
    allowed += "; longest_years beside the endpoints moves the bound"
    texts = table.column(column)
    gathered.problems += problems_at(table.name, table.rows, wrong, column, texts, allowed, Consequence.VALUE_MISSING)
    _count_lost(gathered, table.name, column, int(wrong.sum()))
    gathered.problems += _doubts(table.name, column, times, longest, follow_up)
    return times.where(~wrong)


def _dates(study: Study, table: TextTable, column: str, gathered: Gathered) -> pd.Series:
    """Return the dates of a column; one that is still to come is none."""
    dates = _keep(gathered, read_dates(table, column, study.missing, study.date_format))
    future = dates > pd.Timestamp(datetime.datetime.now(tz=datetime.UTC).date())
    texts, allowed = table.column(column), "a date that is not still to come"
    gathered.problems += problems_at(table.name, table.rows, future, column, texts, allowed, Consequence.VALUE_MISSING)
    _count_lost(gathered, table.name, column, int(future.sum()))
    return dates.where(~future)


def _count_lost(gathered: Gathered, table: str, column: str, lost: int) -> None:
    """Count values that were read, but cannot be, among the missing ones of their column."""
    place = max(i for i, each in enumerate(gathered.missing) if (each.table, each.column) == (table, column))
    found = gathered.missing[place]
    gathered.missing[place] = replace(found, missing=found.missing + lost, lost=found.lost + lost)


def _doubts(table: str, column: str, times: pd.Series, longest: float, follow_up: FollowUp) -> list[Problem]:
    """Return what speaks against the unit: many times beyond the bound, or a median that few studies reach."""
    known = times[times >= 0]
    beyond = int((known > longest).sum())
    unit, median = follow_up.table_unit, float(known.median()) if len(known) else 0.0
    told = f"{beyond:,} of {len(known):,} times above {longest:g} {unit}, median {median:g}"
    if beyond > max(1, _INFORMATIVE * len(known)):
        allowed = f"times in {unit}, few of them beyond the bound: leaving the longest out would bias survival"
        return [Problem(table, None, column, told, allowed, Consequence.STOPS)]
    year = UNIT_DAYS["years"] / UNIT_DAYS[unit]
    if median > _LONG_YEARS * year:
        got = f"a median of {median:g} {unit}, {median / year:.0f} years"
        return [Problem(table, None, column, got, f"times in {unit}; is the unit right?", Consequence.NOTED)]
    return []


def _days(passed: pd.Timedelta) -> float:
    return passed / pd.Timedelta(days=1)


def _keep(gathered: Gathered, column: Column) -> pd.Series:
    gathered.problems += column.problems
    gathered.missing.append(column.missing)
    return column.values


def _deaths_out_of_order(
    follow_up: FollowUp, found: dict[str, pd.DataFrame], table: TextTable, ids: pd.Series
) -> list[Problem]:
    """Note events that come after the end of overall survival, where endpoints are called so by usual names."""
    overall = [each for each in follow_up.endpoints if "OS" in (endpoint_kind(each.name), endpoint_kind(each.label))]
    problems: list[Problem] = []
    for endpoint in follow_up.endpoints:
        for death in overall:
            names = {endpoint_kind(endpoint.name), endpoint_kind(endpoint.label)}
            if any(cannot_exceed(name, "OS") for name in names):
                problems += _late(follow_up, endpoint, found[endpoint.name], found[death.name], (table, ids))
    return problems


def _late(
    follow_up: FollowUp,
    endpoint: Endpoint,
    observed: pd.DataFrame,
    overall: pd.DataFrame,
    rows_of: tuple[TextTable, pd.Series],
) -> list[Problem]:
    table, ids = rows_of
    both = observed.join(overall, rsuffix="_os", how="inner")
    # A day of room: months are rounded to a few digits.
    day = 1.0 / UNIT_DAYS[follow_up.unit]
    late = both.index[both["time"] > both["time_os"] + day]
    rows = pd.Series(np.asarray(table.rows), index=np.asarray(ids))
    column = endpoint.time_column or endpoint.date_column
    allowed = f"{endpoint.name} that ends no later than overall survival"
    return [
        Problem(table.name, int(rows[patient]), column, "an end after that of overall survival", allowed,
                Consequence.NOTED)
        for patient in late
    ]  # fmt: skip
