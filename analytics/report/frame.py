"""The study's data as one table: covariates, and what raters say as categories, with every level in its order."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pandas as pd

from analytics.study.data import StudyData
from analytics.study.spec import Covariate, Rater, Study
from analytics.survival import design as survival

STATUS_LEVELS = ("negative", "positive")
"""The reference of every hazard ratio first."""


@dataclass(frozen=True)
class Variable:
    """How one column of the table is called and printed."""

    name: str
    label: str
    levels: tuple[str, ...]
    """In their order, the reference first; empty for a number."""

    unit: str | None = None
    known_from: float = 0.0
    """Time in the unit of the follow-up from which it is known."""

    per: float = 1.0
    """Step of a number, in its unit, that ratios are given for."""


def size_levels(study: Study) -> tuple[str, str]:
    """Return the words for short axes below and from the cut-off."""
    return f"< {study.cutoff_mm:g} mm", f"≥ {study.cutoff_mm:g} mm"


def analysis_frame(data: StudyData) -> pd.DataFrame:
    """Return one row per patient; a column per covariate and rater, and `region` and `short_axis` of the lead rater.

    A status is positive, negative or missing. The lead rater is the model, else the reference. What is no number is
    categorical, its levels in their order.
    """
    frame = data.patients.copy()
    for rater in data.study.raters:
        judged = data.judgements[rater.name]
        if "status" in judged:
            status = judged["status"].reindex(frame.index)
            frame[rater.name] = status.where(status.isin(STATUS_LEVELS))
    lead = lead_rater(data)
    if lead is not None:
        judged = data.judgements[lead.name].reindex(frame.index)
        if "region" in judged:
            frame["region"] = judged["region"]
        if "short_axis_mm" in judged:
            frame["short_axis"] = bands(judged["short_axis_mm"], data.study)
    for name in frame.columns:
        if levels := variable(data, str(name)).levels:
            frame[name] = pd.Categorical(frame[name], categories=list(levels))
    return frame


def bands(short_axis_mm: pd.Series, study: Study) -> pd.Series:
    """Return the word for each short axis; missing stays missing."""
    small, large = size_levels(study)
    words = pd.Series(np.where(short_axis_mm >= study.cutoff_mm, large, small), index=short_axis_mm.index, dtype=object)
    return words.where(short_axis_mm.notna())


def band_levels(study: Study) -> tuple[str, ...]:
    """Return the words for the bands of short axes that the study names, smallest first; else those of the cut-off."""
    edges = study.analysis.size_bands_mm
    if not edges:
        return size_levels(study)
    return (
        f"< {edges[0]:g} mm",
        *(f"{low:g} to < {high:g} mm" for low, high in pairwise(edges)),
        f"≥ {edges[-1]:g} mm",
    )


def in_bands(short_axis_mm: pd.Series, study: Study) -> pd.Series:
    """Return the band of each short axis, one on an edge in the band above it; missing stays missing."""
    edges = study.analysis.size_bands_mm or (study.cutoff_mm,)
    places = np.searchsorted(edges, short_axis_mm.fillna(0.0), side="right")
    words = pd.Series(np.array(band_levels(study), dtype=object)[places], index=short_axis_mm.index)
    return words.where(short_axis_mm.notna())


def lead_rater(data: StudyData) -> Rater | None:
    """Return the rater by whom region and size are told: the model, else the reference."""
    raters = data.study.raters_of("model") or data.study.raters_of("reference")
    return raters[0] if raters else None


def variable(data: StudyData, name: str) -> Variable:
    """Return how a column of the analysis table is called and which levels it has."""
    study = data.study
    for covariate in study.covariates:
        if covariate.name == name:
            about = covariate.unit, covariate.known_from, covariate.per
            return Variable(name, covariate.label, _levels(covariate), *about)
    if name == "short_axis":
        return Variable(name, "Short axis", size_levels(study))
    if name == "region":
        return Variable(name, "Region", tuple(dict.fromkeys(meaning for _, meaning in study.regions)))
    role = next(rater.role for rater in study.raters if rater.name == name)
    label = {"reference": "Reference status", "model": "Model status", "reader": f"Status by {name}"}[role]
    return Variable(name, label, STATUS_LEVELS)


def _levels(covariate: Covariate) -> tuple[str, ...]:
    levels = covariate.meanings
    if covariate.reference is None:
        return levels
    return (covariate.reference, *(level for level in levels if level != covariate.reference))


def in_steps(table: pd.DataFrame, known: Iterable[Variable]) -> pd.DataFrame:
    """Return the table with each number of `known` in the steps that its ratios are given for."""
    return table.assign(**{each.name: table[each.name] / each.per for each in known if each.per != 1})


def covariates_of(known: Iterable[Variable]) -> list[survival.Covariate]:
    """Return variables as the terms of a survival model, a number in the steps of its column."""
    return [survival.Category(each.name, each.levels) if each.levels else survival.Number(each.name) for each in known]


def ratio_label(known: Variable, level: str = "") -> str:
    """Return what a ratio compares: `Sex: female / male` for a level, `Age, per 10 years` for a number."""
    if level:
        return f"{known.label}: {level} / {known.levels[0]}"
    unit = known.unit or "unit"
    if known.per == 1 and unit in ("years", "months", "days"):
        unit = unit.removesuffix("s")
    return f"{known.label}, per {known.per:g} {unit}{'s' if known.per != 1 and known.unit is None else ''}"


def joint_levels(frame: pd.DataFrame, by: tuple[str, ...], labels: tuple[str, ...]) -> pd.Series:
    """Return the levels of one column, or of several together as `a 1, b 0`, in their order; missing if any is.

    `labels` are what the columns are called there.
    """
    if len(by) == 1:
        return frame[by[0]]
    groups = [
        ", ".join(f"{label} {level}" for label, level in zip(labels, levels, strict=True))
        for levels in product(*(frame[name].cat.categories for name in by))
    ]
    texts = pd.DataFrame({name: f"{label} " + frame[name].astype(str) for name, label in zip(by, labels, strict=True)})
    together = texts.agg(", ".join, axis=1).where(frame[list(by)].notna().all(axis=1))
    return pd.Series(pd.Categorical(together, categories=groups), index=frame.index)


def truth_and_call(data: StudyData, first: str, second: str) -> pd.DataFrame:
    """Return patients whom both raters call positive or negative; columns `first` and `second`, true for positive."""
    pair = pd.DataFrame({"first": data.judgements[first]["status"], "second": data.judgements[second]["status"]})
    pair = pair[pair.isin(STATUS_LEVELS).all(axis=1)]
    return pair == "positive"
