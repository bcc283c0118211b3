"""From a segmentation to measured and scored nodes."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import cc3d
import numpy as np
import numpy.typing as npt

from runtime.core.components import Box, component_boxes, grow, node_components
from runtime.core.findings import Interval, Node, NodeFeatures, NodeStatus, PointLpsMm
from runtime.core.labels import REGIONAL_STATIONS, Station
from runtime.core.measurement import Axes, measure_axes
from runtime.core.midline import Midline
from runtime.core.rules import ScoringRules
from runtime.core.segmentation import FoldOpinions, Segmentation
from runtime.core.stations import main_station, nearest_stations, station_shares
from runtime.core.volume import Volume

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

    Nodes are components of the node posterior above the bundle's threshold. `volume` is the canonical image on the
    segmentation's grid (for the nodes' signal); the same `tracking_seed` gives the same tracking UIDs. With
    `demonstration` no node is called positive or negative. Raises `ValueError` when the grids differ.
    """
    posterior = segmentation.node_posterior
    if not volume.same_grid(posterior):
        raise ValueError(f"volume has shape {volume.shape}, the segmentation {posterior.shape}: the grids differ")
    instances = node_components(posterior.voxels, posterior.spacing_mm, rules.node_threshold, rules.min_node_volume_mm3)
    candidates = sorted(
        (_candidate(segmentation, instances, index, box) for index, box in enumerate(component_boxes(instances), 1)),
        key=lambda candidate: (-round(candidate.centroid_lps_mm[2], 3), candidate.centroid_lps_mm[0]),
    )
    scorer = _Scorer(
        segmentation=segmentation,
        midline=midline,
        rules=rules,
        instances=instances,
        stations=_stations(segmentation, instances),
        tracking_seed=tracking_seed,
        demonstration=demonstration,
    )
    measured = [(candidate, scorer.axes(candidate)) for candidate in candidates]
    reported = [(candidate, axes) for candidate, axes in measured if axes.short_mm >= rules.min_short_axis_mm]
    order = np.zeros(len(candidates) + 1, dtype=np.uint16)
    for position, (candidate, _) in enumerate(reported, start=1):
        order[candidate.instance] = position
    nodes = tuple(scorer.score(position, *candidate) for position, candidate in enumerate(reported, start=1))
    return MeasuredNodes(nodes, posterior.with_voxels(order[instances]), _warnings(nodes, midline))


def combine_status(
    station: Station | None, short_axis_mm: float, by_rule: NodeStatus, by_model: NodeStatus, rules: ScoringRules
) -> NodeStatus:
    """Return the status of a node from its size and the model's opinion.

    Within the band around the cut-off a node is borderline. Beyond it, size alone makes a node positive, and so does
    the model for a smaller one, down to the size that the bundle trusts it with: it has learnt the features that the
    size cannot show. Outside every station a node is not known to be a lateral one: indeterminate.
    """
    if station is None:
        return "indeterminate"
    if abs(short_axis_mm - rules.short_axis_cutoff_mm) < rules.borderline_band_mm:
        return "borderline"
    model_counts = short_axis_mm >= rules.model_min_short_axis_mm
    return _sign(by_rule == "positive" or (by_model == "positive" and model_counts))


@dataclass(frozen=True, eq=False)
class _Scorer:
    """What every node of one case is scored with."""

    segmentation: Segmentation
    midline: Midline
    rules: ScoringRules
    instances: npt.NDArray[np.uint16]
    """Instance map that the candidates' `instance` refers to."""

    stations: npt.NDArray[np.uint8]
    """Nearest station of every node voxel, 0 elsewhere."""

    tracking_seed: str
    demonstration: bool

    def score(self, node_id: int, candidate: _Candidate, axes: Axes) -> Node:
        """Return the scored node of a measured candidate."""
        probability, mean_posterior = self._means(candidate)
        shares = station_shares(self.stations[candidate.box][candidate.mask])
        station = main_station(shares)
        by_rule = _sign(axes.short_mm >= self.rules.short_axis_cutoff_mm)
        by_model = _sign(probability >= self.rules.positive_probability)
        combined = combine_status(station, axes.short_mm, by_rule, by_model, self.rules)
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
            status_by_model=by_model,
            probability=probability,
            mean_posterior=mean_posterior,
            short_axis_interval_mm=self._interval_mm(candidate),
            axis_endpoints_lps_mm={"short": axes.short_endpoints_lps_mm, "long": axes.long_endpoints_lps_mm},
            station_probabilities=shares,
            regional=None if station is None else station in REGIONAL_STATIONS,
            features=NodeFeatures(),
            tracking_uid=tracking_uid(self.tracking_seed, node_id),
        )

    def axes(self, candidate: _Candidate) -> Axes:
        """Return the short and long axis of a candidate."""
        posterior = self.segmentation.node_posterior.voxels[candidate.box]
        axes = self._axes_in(posterior, candidate.mask, candidate.box)
        if axes is None:
            raise ValueError("a node has no voxel at or above the node threshold")
        return axes

    def _means(self, candidate: _Candidate) -> tuple[float, float]:
        """Return the posterior-weighted positive share and the mean posterior."""
        posterior = self.segmentation.node_posterior.voxels[candidate.box][candidate.mask].astype(np.float64)
        share = self.segmentation.positive_share.voxels[candidate.box][candidate.mask].astype(np.float64)
        return float((share * posterior).sum() / posterior.sum()), float(posterior.mean())

    def _interval_mm(self, candidate: _Candidate) -> Interval | None:
        """Return the smallest and largest short axis that single folds see; 0 for a fold that sees no node."""
        opinions = _opinions_on(candidate.box, self.segmentation.fold_opinions)
        if opinions is None or len(opinions.node_posterior) < 2:
            return None
        local = self.instances[opinions.box]
        mask, others = local == candidate.instance, (local != candidate.instance) & (local > 0)
        sizes = [
            self._fold_short_axis_mm(np.where(others, np.float32(0), fold), mask, opinions.box)
            for fold in opinions.node_posterior
        ]
        return min(sizes), max(sizes)

    def _fold_short_axis_mm(self, fold: npt.NDArray[np.float32], mask: BoolArray, box: Box) -> float:
        components = cc3d.connected_components(fold >= self.rules.node_threshold, connectivity=6)
        overlap = np.bincount(components[mask])
        if len(overlap) < 2 or overlap[1:].max() == 0:
            return 0.0
        own = components == int(np.argmax(overlap[1:])) + 1
        axes = self._axes_in(fold, own, box)
        return 0.0 if axes is None else axes.short_mm

    def _axes_in(self, posterior: npt.NDArray[np.float32], mask: BoolArray, box: Box) -> Axes | None:
        threshold = self.rules.node_threshold
        field = np.where(mask | (posterior < threshold), posterior, np.float32(0))
        level = contour_level(float(posterior[mask].max()), threshold)
        return measure_axes(_part(self.segmentation.node_posterior, box, field), level)


def contour_level(peak: float, threshold: float) -> float:
    """Return the posterior at which a node's border is drawn: half of its peak, never below the threshold.

    A border that a model is unsure of is as likely inside as outside where the posterior is half of its peak; at a
    low threshold, chosen so that no node is missed, the contour would run outside the node.
    """
    return max(threshold, peak / 2)


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
    return _Candidate(instance, box, mask, (float(centre[0]), float(centre[1]), float(centre[2])))


def _stations(segmentation: Segmentation, instances: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    labels = segmentation.labels
    return nearest_stations(labels.voxels, labels.spacing_mm, instances > 0)


def _part(grid: Volume, box: Box, voxels: npt.NDArray[np.float32]) -> Volume:
    """Return voxels of a box of a grid with their place in the patient."""
    origin = grid.index_to_lps_mm([part.start for part in box])
    return Volume(voxels, grid.spacing_mm, (float(origin[0]), float(origin[1]), float(origin[2])), grid.direction)


def _opinions_on(box: Box, opinions: tuple[FoldOpinions, ...]) -> FoldOpinions | None:
    """Return the opinions whose box shares the most voxels with a node's box; None when none meets it."""
    shared = [_shared_voxels(box, opinion.box) for opinion in opinions]
    return opinions[int(np.argmax(shared))] if any(shared) else None


def _shared_voxels(first: Box, second: Box) -> int:
    return int(
        np.prod([max(0, min(a.stop, b.stop) - max(a.start, b.start)) for a, b in zip(first, second, strict=True)])
    )


def _warnings(nodes: tuple[Node, ...], midline: Midline) -> tuple[str, ...]:
    warnings = []
    if not midline.trusted:
        warnings.append(f"no trustworthy midline was found (quality {midline.quality:.2f}): sides are unknown")
    for node in nodes:
        if midline.trusted and node.side == "unknown":
            warnings.append(f"node {node.id} lies on the midline: its side is unknown")
        if node.station is None:
            warnings.append(f"node {node.id} lies in no station: it may not be a lateral lymph node")
    return tuple(warnings)
