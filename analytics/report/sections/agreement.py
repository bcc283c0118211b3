"""Agreement of readers with each other and with the model: status, region, size and stations, and millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.agreement.cohen import landis_koch
from analytics.agreement.icc_intervals import icc_of_sampled_readers, icc_of_these_readers
from analytics.agreement.krippendorff import krippendorff_alpha
from analytics.agreement.limits import limits_of_agreement
from analytics.agreement.ratings import Ratings, Weights, ratings_of
from analytics.agreement.readers import compare_with_model, light_kappa, pairwise_agreement
from analytics.agreement.several_readers import fleiss_kappa, gwet_ac
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number, Section, Text
from analytics.report.figures.matrices import draw_matrix
from analytics.report.figures.scores import draw_limits
from analytics.report.frame import STATUS_LEVELS, band_levels, in_bands
from analytics.report.sections.ratings import column
from analytics.report.sections.station_ratings import station_ratings
from analytics.report.wording import numbers_table, value_text
from analytics.study.data import StudyData

_BANDS: Final = "Words after Landis and Koch, Biometrics 1977;33:159-174."


@dataclass(frozen=True)
class _Scale:
    """One thing that raters judge, as categories."""

    key: str
    """Of its numbers, after `agreement`."""

    name: str
    """In titles."""

    ratings: Ratings
    ordered: bool = False
    """Whether steps between categories count: weights as well as none."""

    patients: npt.NDArray[np.object_] | None = None
    """(n,) patient of each unit, where units share them."""

    @property
    def weights(self) -> Weights:
        """Those of the coefficients of several readers."""
        return "quadratic" if self.ordered else "identity"


def agreement_section(data: StudyData) -> Section | None:
    """Return kappas of every pair with heat maps, coefficients of several readers, and agreement in millimetres."""
    blocks: list[Block] = []
    numbers: list[Number] = []
    for scale in _scales(data):
        for more_blocks, more_numbers in (_pairs(scale), _several(data, scale)):
            blocks += more_blocks
            numbers += more_numbers
    more_blocks, more_numbers = _millimetres(data)
    blocks += more_blocks
    numbers += more_numbers
    return Section("agreement", "Agreement", tuple(blocks), tuple(numbers)) if blocks else None


def _scales(data: StudyData) -> list[_Scale]:
    """Return what two or more raters judge: status, region and size of each patient, and each station."""
    regions = tuple(dict.fromkeys(meaning for _, meaning in data.study.regions))
    bands = band_levels(data.study)
    found = []
    for key, levels in (("status", STATUS_LEVELS), ("region", regions), ("size", bands)):
        columns = {rater.name: _column(data, rater.name, key) for rater in data.study.raters}
        known = {rater: each for rater, each in columns.items() if each is not None}
        if len(known) < 2:
            continue
        table = pd.DataFrame(known)
        ratings = ratings_of({rater: table[rater].to_numpy(dtype=object) for rater in known}, levels)
        found.append(_Scale(key, key, ratings, ordered=key == "size" and len(levels) > 2))
    stations = station_ratings(data)
    if stations is not None:
        found.append(_Scale("station", "stations with positive nodes", stations.ratings, patients=stations.patients))
    return found


def _column(data: StudyData, rater: str, key: str) -> pd.Series | None:
    if key != "size":
        return column(data, rater, key)
    judged = data.judgements[rater]
    return in_bands(_measured(judged), data.study) if "short_axis_mm" in judged else None


def _measured(judged: pd.DataFrame) -> pd.Series:
    """Return short axes in mm; missing where no node was named, which findings say as 0."""
    sizes: pd.Series = judged["short_axis_mm"]
    return sizes.where(sizes > 0)


def _key(scale: _Scale, end: str) -> str:
    return f"agreement.{end}" if scale.key == "status" else f"agreement.{scale.key}.{end}"


def _pairs(scale: _Scale) -> tuple[list[Block], list[Number]]:
    """Return kappa of every pair, weighted as well where categories are ordered, and the heat map."""
    kinds: tuple[Weights, ...] = ("identity", "linear", "quadratic") if scale.ordered else ("identity",)
    numbers: list[Number] = []
    for weights in kinds:
        pairs = pairwise_agreement(scale.ratings, weights, scale.patients)
        end, words = ("kappa", "") if weights == "identity" else (f"{weights}_kappa", f", {weights} weights")
        for (first, second), kappa in pairs.pairs.items():
            band = f" ({landis_koch(kappa.value)})" if kappa.defined else ""
            label = f"{first} and {second}{words}{band}"
            numbers.append(Number(_key(scale, f"{first}-{second}.{end}"), label, kappa))
    title = f"Cohen's kappa of every pair, {scale.name}" + (", quadratic weights" if scale.ordered else "")
    shown = [each for each in numbers if each.key.endswith("quadratic_kappa" if scale.ordered else ".kappa")]
    words = f"{title}: " + "; ".join(f"{each.label} {value_text(each)}" for each in shown)
    values = np.asarray(pairs.kappa, dtype=np.float64)
    texts = [["–" if np.isnan(value) else f"{value:.2f}" for value in row] for row in values]
    labels = (list(scale.ratings.raters), list(scale.ratings.raters))
    place = "kappa" if scale.key == "status" else f"kappa-{scale.key}"
    figure = draw_matrix(values, texts, labels, ("", ""), (place, title, words))
    table = numbers_table(f"{place}s", f"Cohen's kappa, {scale.name}", numbers, _BANDS)
    return [figure, table], numbers


def _several(data: StudyData, scale: _Scale) -> tuple[list[Block], list[Number]]:
    """Return the coefficients of all readers together, and human-human against human-model agreement."""
    readers = [rater.name for rater in data.study.raters_of("reader") if rater.name in scale.ratings.raters]
    if len(readers) < 2:
        return [], []
    chosen = _chosen(scale.ratings, readers)
    numbers = [
        Number(_key(scale, f"readers.{key}"), f"{words} of the readers", value)
        for key, words, value in _coefficients(scale, chosen)
    ]
    models = [rater.name for rater in data.study.raters_of("model") if rater.name in scale.ratings.raters]
    if models:
        every = _chosen(scale.ratings, [*readers, models[0]])
        found = compare_with_model(every, models[0], scale.weights, scale.patients)
        numbers += [
            Number(_key(scale, "human_human"), "Mean kappa among readers", found.human_human),
            Number(_key(scale, "human_model"), "Mean kappa of readers and model", found.human_model),
            Number(_key(scale, "difference"), "Difference, of readers and model less among readers", found.difference),
        ]
    place = "several-readers" if scale.key == "status" else f"several-readers-{scale.key}"
    return [numbers_table(place, f"Several readers, {scale.name}", numbers)], numbers


def _coefficients(scale: _Scale, chosen: Ratings) -> list[tuple[str, str, Estimate]]:
    """Return key, name and value of each coefficient; where units share patients, those with an interval for it."""
    light = ("light_kappa", "Light's kappa", light_kappa(chosen, scale.weights, scale.patients))
    alpha = krippendorff_alpha(chosen, "ordinal" if scale.ordered else "nominal", scale.patients)
    found = [light, ("krippendorff_alpha", "Krippendorff's alpha", alpha)]
    if scale.patients is not None:
        return found
    gwet = ("gwet_ac2", "Gwet's AC2") if scale.ordered else ("gwet_ac1", "Gwet's AC1")
    return [
        *found,
        ("fleiss_kappa", "Fleiss' kappa", fleiss_kappa(chosen, scale.weights).coefficient),
        (*gwet, gwet_ac(chosen, scale.weights).coefficient),
    ]


def _chosen(ratings: Ratings, names: Sequence[str]) -> Ratings:
    places = [ratings.raters.index(name) for name in names]
    return Ratings(tuple(names), ratings.categories, ratings.codes[:, places])


def _millimetres(data: StudyData) -> tuple[list[Block], list[Number]]:
    """Return ICC and limits of agreement of the short axes, for every pair with the reference or else of readers."""
    measured = [rater.name for rater in data.study.raters if "short_axis_mm" in data.judgements[rater.name]]
    if len(measured) < 2:
        return [], []
    sizes = pd.DataFrame({name: _measured(data.judgements[name]) for name in measured}).dropna()
    if len(sizes) < 3:
        return [Text(f"Short axes: {len(sizes)} patients have a node measured by all; at least 3 are needed.")], []
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
    blocks.append(numbers_table("short-axis", "Short axis", numbers, "Patients in whom all of these measured a node."))
    return blocks, numbers
