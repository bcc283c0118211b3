"""Which node of one table is which of another, and what the two call it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.accuracy.columns import BoolArray, FloatArray
from analytics.accuracy.detection import DetectedCase
from analytics.accuracy.matching import Matching, centre_distances_mm, match_by_distance
from analytics.accuracy.patient_nodes import PatientNodes, no_nodes, nodes_by_patient
from analytics.accuracy.units import Units


@dataclass(frozen=True)
class MatchedCase:
    """The nodes of one patient in both tables, matched."""

    patient: str
    matching: Matching
    fits: BoolArray
    """(found, true) whether two nodes may be one."""

    true_positive: BoolArray
    """(true,) whether the reference calls the node positive."""

    found_positive: BoolArray
    """(found,)"""

    scores: FloatArray
    """(found,) not a number where the found node has none."""

    true_mm: FloatArray
    """(true,) short axes."""

    found_mm: FloatArray
    """(found,)"""

    true_station: npt.NDArray[np.object_]
    """(true,) None where the reference does not say."""


def matched_cases(
    patients: Iterable[str], true: pd.DataFrame, found: pd.DataFrame, largest_mm: float, by_centre: bool
) -> list[MatchedCase]:
    """Return every patient's nodes matched, the nearest pair first.

    Both tables have one row per node and the columns `patient`, `side`, `station`, `status`, `short_axis_mm`,
    `probability`, `x_mm`, `y_mm`, `z_mm`. By centre, two nodes may be one whose centres (LPS, mm) are at most
    `largest_mm` apart; else two of the same side and station, those of the most similar short axis first. A node
    without a centre, or without side or station, is no other node.
    """
    of_true, of_found = nodes_by_patient(true), nodes_by_patient(found)
    nothing = no_nodes(true)
    return [
        _matched(str(patient), of_true.get(patient, nothing), of_found.get(patient, nothing), largest_mm, by_centre)
        for patient in patients
    ]


def _matched(patient: str, true: PatientNodes, found: PatientNodes, largest_mm: float, by_centre: bool) -> MatchedCase:
    if by_centre:
        apart, limit = centre_distances_mm(found.centre_lps_mm, true.centre_lps_mm), largest_mm
    else:
        apart, limit = _apart_in_size(found, true), np.finfo(np.float64).max
    apart = np.where(np.isnan(apart), np.inf, apart)
    return MatchedCase(
        patient,
        match_by_distance(apart, limit),
        apart <= limit,
        true.positive,
        found.positive,
        found.score,
        true.short_axis_mm,
        found.short_axis_mm,
        true.station,
    )


def _apart_in_size(found: PatientNodes, true: PatientNodes) -> FloatArray:
    """Return the differences of the short axes (found, true); infinite where side or station differ."""
    same = found.placed[:, None] & true.placed[None]
    same &= (found.side[:, None] == true.side[None]) & (found.station[:, None] == true.station[None])
    sizes = np.abs(found.short_axis_mm[:, None] - true.short_axis_mm[None])
    # Without a size any node of the same place is as near as another.
    return np.where(same, np.nan_to_num(sizes, nan=0.0), np.inf)


def node_units(cases: Sequence[MatchedCase]) -> Units:
    """Return one unit per reference node, and one per positive found node that is no reference node.

    A reference node that was not found is called negative. Found negative nodes that the reference does not have say
    nothing of either and do not count.
    """
    known = reference_nodes(cases)
    alone = [case.patient for case in cases for found in case.matching.false if case.found_positive[found]]
    return Units(
        "node",
        np.array([*known["patient"], *alone], dtype=object),
        np.array([*known["truth"], *[False] * len(alone)], bool),
        np.array([*known["called"], *[True] * len(alone)], bool),
        None,
    )


def reference_nodes(cases: Sequence[MatchedCase]) -> pd.DataFrame:
    """Return one row per reference node: `patient`, `truth`, `called`, `station`, `short_axis_mm`, `score`.

    A node that was not found is called negative and has no score. Tables of several raters have the same rows.
    """
    called, scores = [], []
    for case in cases:
        words, score = np.zeros(len(case.true_positive), dtype=np.bool_), np.full(len(case.true_positive), np.nan)
        for pair in case.matching.pairs:
            words[pair.true], score[pair.true] = case.found_positive[pair.found], case.scores[pair.found]
        called.append(words)
        scores.append(score)
    return pd.DataFrame(
        {
            "patient": np.repeat(np.array([case.patient for case in cases], dtype=object), [*map(len, called)]),
            "truth": _joined([case.true_positive for case in cases], np.bool_),
            "called": _joined(called, np.bool_),
            "station": _joined([case.true_station for case in cases], np.object_),
            "short_axis_mm": _joined([case.true_mm for case in cases], np.float64),
            "score": _joined(scores, np.float64),
        }
    )


def _joined(parts: Sequence[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    return np.concatenate([np.array([], dtype=kind), *parts])


def scored_nodes(cases: Sequence[MatchedCase]) -> pd.DataFrame:
    """Return `patient`, `truth` and `score` of every reference node and of every found node that is none.

    The latter are negative, whatever they are called. A reference node that was not found has no score.
    """
    known = reference_nodes(cases)[["patient", "truth", "score"]]
    alone = [(case.patient, False, case.scores[found]) for case in cases for found in case.matching.false]
    return pd.concat([known, pd.DataFrame(alone, columns=known.columns)], ignore_index=True).astype(
        {"truth": bool, "score": float}
    )


def false_positives(cases: Sequence[MatchedCase]) -> FloatArray:
    """Return how many found positive nodes of each case (cases,) are no positive reference node."""
    counted = detected_cases(cases, [np.where(case.found_positive, 1.0, np.nan) for case in cases])
    return np.array([len(case.false) for case in counted], dtype=np.float64)


def detected_cases(cases: Sequence[MatchedCase], scores: Sequence[npt.ArrayLike]) -> list[DetectedCase]:
    """Return the detection of positive reference nodes; `scores` (found,) of each case, not a number where no node.

    A hit is a found node that is a positive reference node. A found node that is a negative reference node or none is
    a false positive; one on a positive node that a nearer one has taken is neither.
    """
    made = []
    for case, given in zip(cases, scores, strict=True):
        score = np.asarray(given, dtype=np.float64)
        hit = {pair.found for pair in case.matching.pairs if case.true_positive[pair.true]}
        hit = {found for found in hit if not np.isnan(score[found])}
        touching = case.fits @ case.true_positive
        again = set(case.matching.repeated) & set(np.flatnonzero(touching).tolist())
        counted = [found for found in range(len(score)) if not np.isnan(score[found]) and found not in hit]
        made.append(
            DetectedCase(
                case.patient,
                tuple(float(score[found]) for found in sorted(hit)),
                tuple(float(score[found]) for found in counted if found not in again),
                int(case.true_positive.sum()) - len(hit),
                tuple(float(score[found]) for found in counted if found in again),
            )
        )
    return made


def paired_sizes(cases: Sequence[MatchedCase]) -> pd.DataFrame:
    """Return `patient`, `found_mm` and `true_mm` of every matched pair whose short axes are both known."""
    rows = [
        (case.patient, case.found_mm[pair.found], case.true_mm[pair.true])
        for case in cases
        for pair in case.matching.pairs
    ]
    return pd.DataFrame(rows, columns=["patient", "found_mm", "true_mm"]).dropna()
