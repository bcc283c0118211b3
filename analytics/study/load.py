"""A study file's data in one function: read, validate, match by patient, count what is missing and who drops out."""

from collections.abc import Callable

import pandas as pd

from analytics.errors import InputUnreadable
from analytics.segmentation.label_map import label_map_files
from analytics.study.columns import read_numbers, read_words
from analytics.study.data import UNINTERPRETABLE, Gathered, StudyData
from analytics.study.follow_up import read_follow_up
from analytics.study.judgements import read_judgements
from analytics.study.problems import Consequence, FlowStep, Problem
from analytics.study.spec import LabelMaps, Rater, Study
from analytics.study.tables import by_patient, read_table


def load_data(study: Study, advance: Callable[[], None] = lambda: None) -> StudyData:
    """Return the data of a study; whatever does not fit is told in `problems`, and the other rows go on.

    `advance` is called after each findings file and each rater. Raises `InputUnreadable` or `FileInvalid` for a file
    or a column without which nothing can go on.
    """
    gathered = Gathered()
    patients = _read_patients(study, gathered)
    judgements, nodes = {}, {}
    for rater in study.raters:
        judgements[rater.name], named = read_judgements(study, rater, patients.index, gathered, advance)
        if named is not None:
            nodes[rater.name] = named
        advance()
    follow_up = read_follow_up(study, patients.index, gathered)
    if study.label_maps is not None:
        gathered.problems += _label_map_problems(study.label_maps)
    gathered.flow += _accuracy_flow(study, patients, judgements)
    for endpoint, frame in follow_up.items():
        without = len(patients) - len(frame)
        step = FlowStep(f"follow-up, {endpoint}", len(patients), _reasons({"no usable follow-up": without}))
        gathered.flow.append(step)
    return StudyData(
        study,
        patients,
        judgements,
        follow_up,
        # Endpoints may share a column, of which everything is told once.
        tuple(dict.fromkeys([*gathered.problems, *_lost_columns(gathered)])),
        tuple(dict.fromkeys(gathered.missing)),
        tuple(gathered.flow),
        nodes,
    )


def _read_patients(study: Study, gathered: Gathered) -> pd.DataFrame:
    whole = read_table(study.patients)
    table, ids, problems = by_patient(whole, study.patients.id_column, study.missing)
    gathered.problems += problems
    without = sum(problem.got == "no identifier" for problem in problems)
    counts = {"no identifier": without, "repeated": len(problems) - without}
    gathered.flow.append(FlowStep("patients table", len(whole.rows), _reasons(counts)))
    values = {}
    for covariate in study.covariates:
        if covariate.kind == "number":
            column = read_numbers(
                table, covariate.column, study.missing, covariate.low, covariate.high, covariate.beyond_limit
            )
        else:
            column = read_words(table, covariate.column, study.missing, dict(covariate.levels))
        values[covariate.name] = column.values
        gathered.problems += column.problems
        gathered.missing.append(column.missing)
    frame = pd.DataFrame(values, index=table.cells.index)
    frame.index = pd.Index(ids, name="patient")
    return frame


def _label_map_problems(maps: LabelMaps) -> list[Problem]:
    """Return a problem for each label map that has none of its name in the other folder."""
    names = {}
    for folder in (maps.reference, maps.model):
        if not folder.is_dir():
            raise InputUnreadable(str(folder), "there is no such folder")
        names[folder] = {path.name for path in label_map_files(folder)}
    problems = []
    for folder, other in ((maps.reference, maps.model), (maps.model, maps.reference)):
        allowed = f"a label map of the same name in {other.name}"
        problems += [
            Problem(f"{folder.name}/{name}", None, None, "no match", allowed, Consequence.FILE_LEFT_OUT)
            for name in sorted(names[folder] - names[other])
        ]
    return problems


def _accuracy_flow(study: Study, patients: pd.DataFrame, judgements: dict[str, pd.DataFrame]) -> list[FlowStep]:
    """Return the steps from all patients to those whom reference and model both judged, as STARD's diagram has them."""
    steps, left = [], patients.index
    for role, title in (("reference", "reference standard"), ("model", "index test")):
        for rater in study.raters_of(role):
            step, left = _rater_step(rater, title, left, judgements[rater.name])
            steps.append(step)
    return steps


def _rater_step(rater: Rater, title: str, left: pd.Index, frame: pd.DataFrame) -> tuple[FlowStep, pd.Index]:
    here = frame.reindex(left)
    judged = left.isin(frame.index)
    if "status" not in frame:
        return FlowStep(f"{title} ({rater.name})", len(left), _reasons({"not judged": int((~judged).sum())})), left[
            judged
        ]
    uninterpretable = here["status"] == UNINTERPRETABLE
    unknown = judged & here["status"].isna().to_numpy()
    counts = {"not judged": int((~judged).sum()), "status missing": int(unknown.sum())}
    counts |= {str(word): int(count) for word, count in here.loc[uninterpretable, "word"].value_counts().items()}
    step = FlowStep(f"{title} ({rater.name})", len(left), _reasons(counts))
    return step, left[here["status"].isin(["positive", "negative"])]


def _lost_columns(gathered: Gathered) -> list[Problem]:
    """Return a problem that stops the report for each column of which not one value could be read."""
    problems = []
    for each in gathered.missing:
        if not each.wholly_lost:
            continue
        name = each.table.partition(" (")[0]
        alike = [problem for problem in gathered.problems if (problem.table, problem.column) == (name, each.column)]
        first = next((problem for problem in alike if problem.consequence is Consequence.VALUE_MISSING), None)
        if first is not None:
            got = (
                f"{each.lost:,} of {each.rows - each.empty:,} values cannot be read, first row {first.row}: {first.got}"
            )
            problems.append(Problem(name, None, each.column, got, first.allowed, Consequence.STOPS))
    return problems


def _reasons(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((reason, count) for reason, count in counts.items() if count)
