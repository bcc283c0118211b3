"""From a segmentation to measured and scored nodes."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sidewall.vocabulary import NodeStatus

from core.findings import Node, NodeFeatures, PointLpsMm
from core.labels import REGIONAL_STATIONS, Station
from core.measuring.components import Box, component_boxes, cut_out, edge_voxels, grow, node_components
from core.measuring.features import border_irregularity, is_conglomerate, judge_features, signal_heterogeneity
from core.measuring.fold_views import FoldView, fold_views, interval, opinions_on
from core.measuring.measurement import Axes, measure_axes, measure_axes_3d, node_field
from core.measuring.midline import Midline
from core.measuring.stations import main_station, nearest_stations, station_shares
from core.rules import ScoringRules, SizeCutoff
from core.segmentation import Segmentation
from core.volume import Volume

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MeasuredNodes:
    """Every node of a case."""

    nodes: tuple[Node, ...]
    """In order of their ids 1..n: from head to feet, then right to left."""

    instances: Volume
    """uint16 map on the segmentation's grid: the id of the node, 0 elsewhere."""

    warnings: tuple[str, ...]
    """What could not be told about single nodes; no patient data."""

    at_edge: bool = False
    """Whether anything like a node, reported or not, reaches the edge of what was seen."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One component before it has an id."""

    instance: int
    box: Box
    """Bounding box with one voxel around, on the segmentation's grid."""

    mask: BoolArray
    """Voxels of the node inside the box."""

    centroid_lps_mm: PointLpsMm
    """Posterior-weighted centre."""

    positive_share: float
    """Posterior-weighted mean of the positive share, 0..1."""

    mean_posterior: float


@dataclass(frozen=True, eq=False)
class _Body:
    """The shape of a candidate."""

    field: Volume
    """Its part of the node posterior, on its box."""

    level: float
    """Value of the field at which its border is drawn."""

    axes: Axes
    conglomerate: bool | None
    cut_by_image: bool


def find_nodes(
    volume: Volume,
    segmentation: Segmentation,
    midline: Midline,
    rules: ScoringRules,
    *,
    tracking_seed: str,
    demonstration: bool,
) -> MeasuredNodes:
    """Measure and score every node of a segmentation.

    Nodes are components of the node posterior above the bundle's threshold, large and certain enough by its rules.
    `volume` is the canonical image on the segmentation's grid (for the nodes' signal); the same `tracking_seed` gives
    the same tracking UIDs. With `demonstration` no node is called positive or negative. Raises `ValueError` when
    the grids differ.
    """
    posterior = segmentation.node_posterior
    if not volume.same_grid(posterior):
        raise ValueError(f"volume has shape {volume.shape}, the segmentation {posterior.shape}: the grids differ")
    instances = node_components(posterior.voxels, posterior.spacing_mm, rules.node_threshold, rules.min_node_volume_mm3)
    candidates = sorted(
        (_candidate(segmentation, instances, index, box) for index, box in enumerate(component_boxes(instances), 1)),
        key=lambda candidate: (-round(candidate.centroid_lps_mm[2], 3), candidate.centroid_lps_mm[0]),
    )
    edge = edge_voxels(posterior.shape)
    scorer = _Scorer(
        image=volume,
        segmentation=segmentation,
        midline=midline,
        rules=rules,
        instances=instances,
        edge=edge,
        stations=_stations(segmentation, instances),
        tracking_seed=tracking_seed,
        demonstration=demonstration,
    )
    measured = [(candidate, scorer.body(candidate)) for candidate in candidates]
    reported = [(candidate, body) for candidate, body in measured if scorer.counts(candidate, body)]
    order = np.zeros(len(candidates) + 1, dtype=np.uint16)
    for position, (candidate, _) in enumerate(reported, start=1):
        order[candidate.instance] = position
    nodes = tuple(scorer.score(position, *candidate) for position, candidate in enumerate(reported, start=1))
    at_edge = bool((posterior.voxels[edge] >= rules.node_threshold).any())
    return MeasuredNodes(nodes, posterior.with_voxels(order[instances]), _warnings(nodes, midline), at_edge)


def combine_status(
    station: Station | None,
    short_axis_mm: float,
    by_rule: NodeStatus,
    by_model: NodeStatus | None,
    rules: ScoringRules,
) -> NodeStatus:
    """Return the status of a node from the rule's and the model's opinion, or that of a label map in its place.

    Within the band around the cut-off that counts for its station a node is borderline, whatever else is known of it.
    Beyond it the rule (size, or both features) makes a node positive, and so does the model for a smaller one, down to
    the size that the bundle trusts it with: it has learnt the features that the size cannot show. Outside every station
    a node is not known to be a lateral one: indeterminate.
    """
    if station is None:
        return "indeterminate"
    if abs(short_axis_mm - rules.size_cutoff(station).short_axis_mm) < rules.borderline_band_mm:
        return "borderline"
    model_counts = short_axis_mm >= rules.model_min_short_axis_mm
    return _sign(by_rule == "positive" or (by_model == "positive" and model_counts))


def status_by_rule(short_axis_mm: float, features: NodeFeatures, cutoff: SizeCutoff) -> Literal["positive", "negative"]:
    """Return the status by the study's rule: large, or irregular and heterogeneous at once (Qiao et al. 2025).

    Features that were not measured count as absent.
    """
    malignant = features.irregular_border is True and features.heterogeneous_signal is True
    return _sign(cutoff.is_large(short_axis_mm) or malignant)


@dataclass(frozen=True, eq=False)
class _Scorer:
    """What every node of one case is scored with."""

    image: Volume
    """Canonical image on the segmentation's grid."""

    segmentation: Segmentation
    midline: Midline
    rules: ScoringRules
    instances: npt.NDArray[np.uint16]
    """Instance map that the candidates' `instance` refers to."""

    edge: BoolArray
    """Where a node may go on beyond the image (z, y, x)."""

    stations: npt.NDArray[np.uint8]
    """Nearest station of every node voxel, 0 elsewhere."""

    tracking_seed: str
    demonstration: bool

    def counts(self, candidate: _Candidate, body: _Body) -> bool:
        """Tell whether a candidate is large and certain enough to be reported."""
        large = body.axes.short_mm >= self.rules.min_short_axis_mm
        return large and candidate.mean_posterior >= self.rules.min_mean_posterior

    def score(self, node_id: int, candidate: _Candidate, body: _Body) -> Node:
        """Return the scored node of a measured candidate."""
        shares = station_shares(self.stations[candidate.box][candidate.mask])
        station = main_station(shares)
        axes, axes_3d = body.axes, measure_axes_3d(body.field, body.level)
        features = self._features(candidate, body)
        cutoff = self.rules.size_cutoff(station)
        by_rule = status_by_rule(axes.short_mm, features, cutoff)
        who = self.segmentation.opinion_of
        opinion = _sign(candidate.positive_share >= self.rules.positive_probability) if who else None
        combined = combine_status(station, axes.short_mm, by_rule, opinion, self.rules)
        views = self._fold_views(candidate)
        return Node(
            id=node_id,
            side=self.midline.side_of(candidate.centroid_lps_mm),
            station=station,
            short_axis_mm=axes.short_mm,
            long_axis_mm=axes.long_mm,
            volume_mm3=np.count_nonzero(candidate.mask) * self.segmentation.labels.voxel_volume_mm3,
            centroid_lps_mm=candidate.centroid_lps_mm,
            status="demonstration" if self.demonstration else combined,
            status_by_rule=by_rule,
            status_by_model=opinion if who == "model" else None,
            probability=candidate.positive_share if who == "model" else None,
            mean_posterior=candidate.mean_posterior if who == "model" else None,
            short_axis_interval_mm=interval(view.short_axis_mm for view in views),
            axis_endpoints_lps_mm={"short": axes.short_endpoints_lps_mm, "long": axes.long_endpoints_lps_mm},
            station_probabilities=shares,
            regional=None if station is None else station in REGIONAL_STATIONS,
            features=features,
            tracking_uid=tracking_uid(self.tracking_seed, node_id),
            long_axis_interval_mm=interval(view.long_axis_mm for view in views),
            volume_interval_mm3=interval(view.volume_mm3 for view in views),
            probability_interval=interval(view.probability for view in views),
            long_axis_3d_mm=None if axes_3d is None else axes_3d.long_mm,
            short_axis_3d_mm=None if axes_3d is None else axes_3d.short_mm,
            conglomerate=body.conglomerate,
            cut_by_image=body.cut_by_image,
            cutoff_mm=cutoff.short_axis_mm,
            status_by_label=opinion if who == "label map" else None,
        )

    def body(self, candidate: _Candidate) -> _Body:
        """Return the measured shape of a candidate."""
        posterior = cut_out(self.segmentation.node_posterior, candidate.box)
        field, level = node_field(posterior, candidate.mask, self.rules.node_threshold)
        axes = measure_axes(field, level)
        if axes is None:
            raise ValueError("a node has no voxel at or above the node threshold")
        return _Body(
            field=field,
            level=level,
            axes=axes,
            conglomerate=is_conglomerate(field, level),
            cut_by_image=bool((self.edge[candidate.box] & candidate.mask).any()),
        )

    def _fold_views(self, candidate: _Candidate) -> tuple[FoldView, ...]:
        """Return what the folds make of a candidate; empty where they were not kept."""
        opinions = opinions_on(candidate.box, self.segmentation.fold_opinions)
        if opinions is None:
            return ()
        local = self.instances[opinions.box]
        mask, others = local == candidate.instance, (local != candidate.instance) & (local > 0)
        grid = cut_out(self.segmentation.node_posterior, opinions.box)
        return fold_views(grid, opinions, mask, others, self.rules.node_threshold)

    def _features(self, candidate: _Candidate, body: _Body) -> NodeFeatures:
        """Return the features; None for a node too small to judge, or cut by the image or grown together."""
        whole = not body.cut_by_image and not body.conglomerate
        if not whole or body.axes.short_mm < self.rules.feature_min_short_axis_mm:
            return NodeFeatures()
        image = cut_out(self.image, candidate.box)
        heterogeneity = signal_heterogeneity(image, candidate.mask & (body.field.voxels >= body.level))
        return judge_features(border_irregularity(body.field, body.level), heterogeneity, self.rules)


def tracking_uid(seed: str, node_id: int) -> str:
    """Return a UID under 2.25 that depends on the seed and the node's id only (PS3.5 B.2, from SHA-256)."""
    digest = hashlib.sha256(f"sidewall-node/{seed}/{node_id}".encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _sign(positive: bool) -> Literal["positive", "negative"]:
    return "positive" if positive else "negative"


def _candidate(segmentation: Segmentation, instances: npt.NDArray[np.uint16], instance: int, box: Box) -> _Candidate:
    box = grow(box, 1, instances.shape)
    mask = instances[box] == instance
    weights = segmentation.node_posterior.voxels[box][mask].astype(np.float64)
    index = np.argwhere(mask) + [part.start for part in box]
    centre = segmentation.node_posterior.index_to_lps_mm((index * weights[:, None]).sum(axis=0) / weights.sum())
    share = segmentation.positive_share.voxels[box][mask].astype(np.float64)
    return _Candidate(
        instance=instance,
        box=box,
        mask=mask,
        centroid_lps_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        positive_share=float((share * weights).sum() / weights.sum()),
        mean_posterior=float(weights.mean()),
    )


def _stations(segmentation: Segmentation, instances: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    labels = segmentation.labels
    return nearest_stations(labels.voxels, labels.spacing_mm, instances > 0)


def _warnings(nodes: tuple[Node, ...], midline: Midline) -> tuple[str, ...]:
    warnings = []
    if not midline.trusted:
        warnings.append(f"no trustworthy midline was found (quality {midline.quality:.2f}): sides are unknown")
    for node in nodes:
        if midline.trusted and node.side == "unknown":
            warnings.append(f"node {node.id} lies on the midline: its side is unknown")
        if node.station is None:
            warnings.append(f"node {node.id} lies in no station: it may not be a lateral lymph node")
        if node.cut_by_image:
            warnings.append(f"node {node.id} is cut by the edge of the images: its size is a lower bound")
        if node.conglomerate:
            warnings.append(f"node {node.id} looks like several nodes grown together: its size is that of all of them")
    return tuple(warnings)
