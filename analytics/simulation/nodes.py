"""The true lateral nodes of a cohort, every one by the paper's rule positive or negative."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from analytics.simulation.design_parts import REGIONS, NodeDesign

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Nodes:
    """Nodes in the order of their patients; all arrays have shape (nodes,)."""

    patient: IntArray
    """Row of the patient."""

    left: BoolArray
    region: IntArray
    """Index into REGIONS."""

    short_axis_mm: FloatArray
    irregular_border: BoolArray
    heterogeneous_signal: BoolArray
    positive: BoolArray
    """Short axis at or above the cut-off, or both features (Qiao et al. 2025)."""


@dataclass(frozen=True)
class LeadingNodes:
    """Each patient's largest positive node, or the largest of all where none is positive; shape (patients,)."""

    node: IntArray
    """Row of the node; -1 for a patient without any."""

    positive: BoolArray
    region: IntArray
    """Index into REGIONS; -1 without a node."""

    short_axis_mm: FloatArray
    """Not a number without a node."""

    @property
    def present(self) -> BoolArray:
        """Whether the patient has a node."""
        return self.node >= 0


def draw_nodes(rng: np.random.Generator, design: NodeDesign, patient_positive: BoolArray) -> Nodes:
    """Return nodes such that exactly the patients of `patient_positive`, shape (patients,), have a positive one."""
    n = len(patient_positive)
    positives = np.where(patient_positive, 1 + rng.poisson(design.further_positive_mean, n), 0)
    negatives = rng.poisson(design.negative_mean, n)
    patient = np.concatenate([np.repeat(np.arange(n), positives), np.repeat(np.arange(n), negatives)])
    positive = np.arange(len(patient)) < positives.sum()
    order = np.argsort(patient, kind="stable")
    patient, positive = patient[order], positive[order]
    count = len(patient)
    small = positive & (rng.random(count) < design.small_positive_share)
    size = draw_short_axes(rng, design, positive & ~small, positive)
    first, second = _features(rng, design, positive, small)
    return Nodes(
        patient=patient,
        left=rng.random(count) < 0.5,
        region=rng.choice(len(REGIONS), count, p=design.region_shares),
        short_axis_mm=size,
        irregular_border=first,
        heterogeneous_signal=second,
        positive=(size >= design.cutoff_mm) | (first & second),
    )


def draw_short_axes(rng: np.random.Generator, design: NodeDesign, large: BoolArray, positive: BoolArray) -> FloatArray:
    """Return short axes in mm, shape (n,), log-normal about the median of positive or negative nodes.

    `large` ones lie at or above the cut-off, all others below.
    """
    median = np.where(positive, design.positive_median_mm, design.negative_median_mm)
    limit = ndtr(np.log(design.cutoff_mm / median) / design.log_spread)
    uniform = rng.random(len(large))
    share = np.where(large, limit + uniform * (1 - limit), uniform * limit)
    size: FloatArray = median * np.exp(design.log_spread * ndtri(share))
    return np.where(large, np.maximum(size, design.cutoff_mm), np.minimum(size, np.nextafter(design.cutoff_mm, 0)))


def leading_nodes(nodes: Nodes, patients: int) -> LeadingNodes:
    """Return the leading node of each of so many patients."""
    order = np.lexsort((nodes.short_axis_mm, nodes.positive, nodes.patient))
    leading = np.full(patients, -1, dtype=np.int64)
    leading[nodes.patient[order]] = order
    present = leading >= 0
    if not len(nodes.patient):
        return LeadingNodes(leading, present, leading, np.full(patients, np.nan))
    return LeadingNodes(
        node=leading,
        positive=present & nodes.positive[leading],
        region=np.where(present, nodes.region[leading], -1),
        short_axis_mm=np.where(present, nodes.short_axis_mm[leading], np.nan),
    )


def _features(
    rng: np.random.Generator, design: NodeDesign, positive: BoolArray, small: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Return both features: small positive nodes have both, negative ones at most one."""
    first, second = rng.random(len(positive)), rng.random(len(positive))
    share = design.feature_share_positive
    border = np.where(positive, first < share, first < design.feature_share_negative)
    signal = np.where(positive, second < share, first > 1 - design.feature_share_negative)
    return border | small, signal | small
