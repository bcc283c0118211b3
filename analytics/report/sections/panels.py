"""The panels of a survival section: which patients in which groups, for one endpoint."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analytics.report.frame import joint_levels, variable
from analytics.report.wording import in_sentence
from analytics.study.data import StudyData
from analytics.study.spec import Endpoint, Stratum
from analytics.survival.times import Followup, Groups, group_by


@dataclass(frozen=True)
class Panel:
    """One endpoint by one stratum, in everybody or in one level of another variable."""

    key: str
    title: str
    endpoint: Endpoint
    stratum: Stratum
    labels: tuple[str, ...]
    """Of the stratum's variables, as they stand in a sentence."""

    table: pd.DataFrame
    """The patients' columns of the analysis table, those of `followup`."""

    followup: Followup
    groups: Groups
    missing: int
    """Patients with follow-up whose group is missing."""


def panels(data: StudyData, frame: pd.DataFrame, endpoint: Endpoint, unit: str) -> Iterator[Panel]:
    """Yield every panel of an endpoint that has two groups with follow-up."""
    observed = data.follow_up[endpoint.name]
    for stratum in data.study.analysis.strata:
        names = [*stratum.by, *([stratum.within] if stratum.within else [])]
        if any(name not in frame for name in names):
            continue
        late = max(variable(data, name).known_from for name in names)
        table = _from(observed.join(frame, how="inner", rsuffix="_covariate"), late)
        if stratum.within is None:
            found: list[tuple[str | None, pd.DataFrame]] = [(None, table)]
        else:
            levels = frame[stratum.within].cat.categories
            found = [(str(level), table[table[stratum.within] == level]) for level in levels]
        for level, rows in found:
            panel = _panel(data, endpoint, stratum, level, rows, (unit, late))
            if panel is not None:
                yield panel


def _from(table: pd.DataFrame, late: float) -> pd.DataFrame:
    """Return who is observed beyond a landmark, with time from there on; everybody at 0.

    Groups that are known only later would be immortal until then (Anderson, Cain and Gelber 1983).
    """
    if late == 0:
        return table
    left = table[table["time"] > late]
    return left.assign(time=left["time"] - late)


def _panel(
    data: StudyData,
    endpoint: Endpoint,
    stratum: Stratum,
    level: str | None,
    rows: pd.DataFrame,
    clock: tuple[str, float],
) -> Panel | None:
    """Return one panel; `clock` is the unit of the time and the landmark that it starts at."""
    unit, late = clock
    labels = tuple(in_sentence(variable(data, name).label) for name in stratum.by)
    by = joint_levels(rows, stratum.by, labels)
    known = by.notna()
    if by[known].nunique() < 2 or not (rows.loc[known, "time"] > 0).any():
        return None
    table = rows[known]
    followup = Followup(table["time"].to_numpy(), table["event"].to_numpy(), unit, late)
    order = tuple(str(category) for category in by.cat.categories)
    groups = group_by(by[known].astype(str).to_numpy(dtype=str), order).without_empty()
    key = f"survival.{endpoint.name}.{'+'.join(stratum.by)}" + (f".{stratum.within}={level}" if level else "")
    title = f"{endpoint.label} by {' and '.join(labels)}"
    if stratum.within is not None:
        title += f", {variable(data, stratum.within).label} {level}"
    if late > 0:
        title += f", from {late:g} {unit} on"
    return Panel(key, title, endpoint, stratum, labels, table, followup, groups, int((~known).sum()))
