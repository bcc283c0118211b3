"""What readers and the model say of the patients, drawn from their set skill.

A rater's impression of a patient is normal with variance 1; its mean is 0 for a negative patient and
d' = q(sensitivity) + q(specificity) for a positive one, q being the normal quantile, and the call is positive above
q(specificity) (Green & Swets, Signal Detection Theory, 1966). Impressions of one patient are equally correlated among
raters given the truth, so that sensitivity, specificity, every joint call and the area under the ROC curve are known.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import expit, logit, ndtri

from analytics.simulation.design import CohortDesign
from analytics.simulation.design_parts import REGIONS, RaterDesign
from analytics.simulation.nodes import BoolArray, FloatArray, IntArray, LeadingNodes, Nodes, draw_short_axes


@dataclass(frozen=True)
class Readings:
    """One rater's judgement of every patient; all arrays have shape (patients,)."""

    positive: BoolArray
    region: IntArray
    """Region of the leading node, index into REGIONS; -1 where none is reported."""

    short_axis_mm: FloatArray
    """Measured short axis of the leading node; not a number where none is reported."""

    probability: FloatArray
    """Probability that the patient is positive given the rater's impression."""

    @property
    def reported(self) -> BoolArray:
        """Whether a leading node is reported."""
        return self.region >= 0


@dataclass(frozen=True)
class ReportedNodes:
    """Nodes that a reader or the model reports; all arrays have shape (nodes,)."""

    patient: IntArray
    true_node: IntArray
    """Row of the true node; -1 for a false alarm."""

    left: BoolArray
    region: IntArray
    short_axis_mm: FloatArray
    positive: BoolArray

    def in_order(self) -> "ReportedNodes":
        """Return the same nodes in the order of their patients."""
        order = np.argsort(self.patient, kind="stable")
        return ReportedNodes(**{item.name: getattr(self, item.name)[order] for item in fields(self)})


def draw_shared_impression(rng: np.random.Generator, design: CohortDesign, patients: int) -> FloatArray:
    """Return the part of the impression that all raters share, shape (patients,)."""
    drawn: FloatArray = np.sqrt(design.shared_impression) * rng.standard_normal(patients)
    return drawn


def discriminability(rater: RaterDesign) -> float:
    """Return d', the mean impression of positive patients."""
    return float(ndtri(rater.sensitivity) + ndtri(rater.specificity))


def draw_readings(
    rng: np.random.Generator,
    design: CohortDesign,
    rater: RaterDesign,
    truth: LeadingNodes,
    shared: FloatArray,
    prevalence: float,
) -> Readings:
    """Return what a rater says of each patient; a rater measures and locates the reference's leading node."""
    n = len(shared)
    distance = discriminability(rater)
    impression = shared + np.sqrt(1 - design.shared_impression) * rng.standard_normal(n) + distance * truth.positive
    positive = impression > ndtri(rater.specificity)
    seen = truth.present & (positive | (rng.random(n) < design.reported_when_negative))
    alarm = positive & ~truth.present
    right = rng.random(n) < rater.region_accuracy
    elsewhere = (truth.region + rng.integers(1, len(REGIONS), n)) % len(REGIONS)
    imagined = rng.choice(len(REGIONS), n, p=design.nodes.region_shares)
    error = rater.short_axis_bias_mm + rater.short_axis_spread_mm * rng.standard_normal(n)
    everyone = np.ones(n, dtype=np.bool_)
    imagined_mm = draw_short_axes(rng, design.nodes, everyone, everyone)
    measured = np.where(seen, truth.short_axis_mm + error, imagined_mm)
    return Readings(
        positive=positive,
        region=np.where(seen, np.where(right, truth.region, elsewhere), np.where(alarm, imagined, -1)),
        short_axis_mm=np.where(seen | alarm, np.maximum(measured, 0.5), np.nan),
        probability=expit(logit(prevalence) + distance * impression - distance**2 / 2),
    )


def draw_reported_nodes(
    rng: np.random.Generator,
    design: CohortDesign,
    rater: RaterDesign,
    nodes: Nodes,
    truth: LeadingNodes,
    readings: Readings,
) -> ReportedNodes:
    """Return a rater's nodes, in the order of their patients, such that each patient's leading one is as read.

    Further nodes are reported where the leading one is; they are measured at most as large as it, and those of a
    patient called positive are positive with the design's share where they truly are.
    """
    row, count = nodes.patient, len(nodes.patient)
    leads = truth.node[row] == np.arange(count)
    seen = readings.reported[row] & (leads | (rng.random(count) < design.reported_when_negative))
    found = readings.positive[row] & nodes.positive & (rng.random(count) < design.further_positive_found)
    positive = np.where(leads, readings.positive[row], found)
    right = rng.random(count) < rater.region_accuracy
    elsewhere = (nodes.region + rng.integers(1, len(REGIONS), count)) % len(REGIONS)
    error = rater.short_axis_bias_mm + rater.short_axis_spread_mm * rng.standard_normal(count)
    size = np.clip(nodes.short_axis_mm + error, 0.5, np.maximum(readings.short_axis_mm[row] - 0.1, 0.5))
    alarms = np.flatnonzero(readings.reported & ~truth.present)
    left = rng.random(len(alarms)) < 0.5
    kept = np.flatnonzero(seen | found)
    reported = ReportedNodes(
        patient=np.concatenate([row[kept], alarms]),
        true_node=np.concatenate([kept, np.full(len(alarms), -1)]),
        left=np.concatenate([nodes.left[kept], left]),
        region=np.concatenate(
            [
                np.where(leads, readings.region[row], np.where(right, nodes.region, elsewhere))[kept],
                readings.region[alarms],
            ]
        ),
        short_axis_mm=np.concatenate(
            [np.where(leads, readings.short_axis_mm[row], size)[kept], readings.short_axis_mm[alarms]]
        ),
        positive=np.concatenate([positive[kept], np.ones(len(alarms), dtype=np.bool_)]),
    )
    return reported.in_order()
