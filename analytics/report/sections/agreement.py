"""Agreement of readers with each other and with the model, on status and in millimetres."""

from itertools import combinations

import numpy as np
import pandas as pd

from analytics.agreement.cohen import landis_koch
from analytics.agreement.icc_intervals import icc_of_sampled_readers, icc_of_these_readers
from analytics.agreement.limits import limits_of_agreement
from analytics.agreement.ratings import Ratings, ratings_of
from analytics.agreement.readers import compare_with_model, light_kappa, pairwise_agreement
from analytics.agreement.several_readers import fleiss_kappa, gwet_ac
from analytics.report.blocks import Block, Number, Section, Text
from analytics.report.figures.matrices import draw_matrix
from analytics.report.figures.scores import draw_limits
from analytics.report.frame import STATUS_LEVELS
from analytics.report.sections.ratings import column
from analytics.report.wording import numbers_table, value_text
from analytics.study.data import StudyData


def agreement_section(data: StudyData) -> Section | None:
    """Return pairwise kappas with their heat map, coefficients of several readers, and agreement in millimetres."""
    raters = [rater.name for rater in data.study.raters if "status" in data.judgements[rater.name]]
    blocks: list[Block] = []
    numbers: list[Number] = []
    if len(raters) >= 2:
        statuses = pd.DataFrame({name: column(data, name, "status") for name in raters})
        ratings = ratings_of({name: statuses[name].to_numpy(dtype=object) for name in raters}, STATUS_LEVELS)
        more_blocks, more_numbers = _status(data, ratings)
        blocks += more_blocks
        numbers += more_numbers
    more_blocks, more_numbers = _millimetres(data)
    blocks += more_blocks
    numbers += more_numbers
    return Section("agreement", "Agreement", tuple(blocks), tuple(numbers)) if blocks else None


def _status(data: StudyData, ratings: Ratings) -> tuple[list[Block], list[Number]]:
    pairs = pairwise_agreement(ratings)
    numbers = []
    for (first, second), kappa in pairs.pairs.items():
        band = f" ({landis_koch(kappa.value)})" if kappa.defined else ""
        numbers.append(Number(f"agreement.{first}-{second}.kappa", f"{first} and {second}{band}", kappa))
    values = np.asarray(pairs.kappa, dtype=np.float64)
    texts = [["–" if np.isnan(value) else f"{value:.2f}" for value in row] for row in values]
    words = "Cohen's kappa of every pair: " + "; ".join(f"{each.label} {value_text(each)}" for each in numbers)
    labels = (list(ratings.raters), list(ratings.raters))
    figure = draw_matrix(values, texts, labels, ("", ""), ("kappa", "Cohen's kappa of every pair", words))
    readers = [rater.name for rater in data.study.raters_of("reader")]
    several = _several(ratings, readers) + _human_and_model(data, ratings, readers)
    note = "Words after Landis and Koch, Biometrics 1977;33:159-174."
    blocks: list[Block] = [figure, numbers_table("kappas", "Cohen's kappa", numbers, note)]
    if several:
        blocks.append(numbers_table("several-readers", "Several readers", several))
    return blocks, numbers + several


def _chosen(ratings: Ratings, names: list[str]) -> Ratings:
    places = [ratings.raters.index(name) for name in names]
    return Ratings(tuple(names), ratings.categories, ratings.codes[:, places])


def _several(ratings: Ratings, readers: list[str]) -> list[Number]:
    if len(readers) < 2:
        return []
    chosen = _chosen(ratings, readers)
    return [
        Number("agreement.readers.light_kappa", "Light's kappa of the readers", light_kappa(chosen)),
        Number("agreement.readers.fleiss_kappa", "Fleiss' kappa of the readers", fleiss_kappa(chosen).coefficient),
        Number("agreement.readers.gwet_ac1", "Gwet's AC1 of the readers", gwet_ac(chosen).coefficient),
    ]


def _human_and_model(data: StudyData, ratings: Ratings, readers: list[str]) -> list[Number]:
    models = [rater.name for rater in data.study.raters_of("model") if rater.name in ratings.raters]
    if not models or len(readers) < 2:
        return []
    found = compare_with_model(_chosen(ratings, [*readers, models[0]]), models[0])
    return [
        Number("agreement.human_human", "Mean kappa among readers", found.human_human),
        Number("agreement.human_model", "Mean kappa of readers and model", found.human_model),
        Number("agreement.difference", "Their difference", found.difference),
    ]


def _millimetres(data: StudyData) -> tuple[list[Block], list[Number]]:
    """Return ICC and limits of agreement of the short axes, for every pair with the reference or else of readers."""
    measured = [rater.name for rater in data.study.raters if "short_axis_mm" in data.judgements[rater.name]]
    if len(measured) < 2:
        return [], []
    sizes = pd.DataFrame({name: data.judgements[name]["short_axis_mm"] for name in measured}).dropna()
    if len(sizes) < 3:
        return [Text(f"Short axes: {len(sizes)} patients are measured by all; at least 3 are needed.")], []
    table, names = sizes.to_numpy(dtype=np.float64), ", ".join(measured)
    sampled, these = icc_of_sampled_readers(table), icc_of_these_readers(table)
    numbers = [
        Number("agreement.short_axis.icc", f"Intraclass correlation of raters such as {names}", sampled),
        Number("agreement.short_axis.icc_consistency", f"Consistency of {names}", these),
    ]
    blocks: list[Block] = []
    anchors = [rater.name for rater in data.study.raters_of("reference") if rater.name in measured]
    pairs = (
        [(other, anchors[0]) for other in measured if other != anchors[0]]
        if anchors
        else list(combinations(measured, 2))
    )
    for first, second in pairs:
        found = limits_of_agreement(sizes[first].to_numpy(), sizes[second].to_numpy())
        key = f"agreement.short_axis.{first}-{second}"
        for name, estimate in (("bias", found.bias), ("lower limit", found.lower), ("upper limit", found.upper)):
            numbers.append(
                Number(f"{key}.{name.replace(' ', '_')}", f"{first} − {second}, {name}", estimate, unit="mm")
            )
        blocks.append(
            draw_limits(found, (first, second), "mm", f"bland-altman-{first}", f"Short axis, {first} and {second}")
        )
    blocks.append(numbers_table("short-axis", "Short axis", numbers, "Patients whom all of these measured."))
    return blocks, numbers
