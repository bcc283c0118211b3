"""Whether a mask, placed on its image, can be learnt from: stations, sides, nodes."""

from collections.abc import Iterator

import cc3d
import numpy as np

from core.errors import RefusalCode
from core.findings import StationAssessment
from core.labels import NODE_LABELS, NODE_POSITIVE, STATION_LABELS
from core.measuring.midline import MIN_QUALITY, Midline
from core.measuring.nodes import MeasuredNodes
from core.rules import ScoringRules
from core.volume import Volume
from training.intake.faults import CaseRejected, Fault, FaultCode


def require_stations(labels: Volume) -> None:
    """Raise `CaseRejected` with `no_stations` unless a label map (uint8, canonical) holds a station."""
    if not np.isin(labels.voxels, list(STATION_LABELS)).any():
        found = sorted(int(value) for value in np.unique(labels.voxels) if value)
        message = f"no voxel of a station; the mask holds the labels {found}; allowed: stations on both sides"
        raise CaseRejected(Fault(FaultCode.NO_STATIONS, message))


def check_sides(midline: Midline) -> Iterator[Fault]:
    """Yield `one_sided` when a sound midline has all stations on one side."""
    if midline.quality >= MIN_QUALITY and not midline.trusted:
        message = (
            f"at least nine tenths of the stations lie on one side of the midline (symmetry {midline.quality:.2f}); "
            "allowed: both sides, since what is not drawn is learnt as background"
        )
        yield Fault(FaultCode.ONE_SIDED, message)


def warn_of_midline(midline: Midline) -> Iterator[Fault]:
    """Yield `midline` when the anatomy shows none that sides can be told by."""
    if midline.quality < MIN_QUALITY:
        message = (
            f"no sure midline: symmetry {midline.quality:.2f}, wanted {MIN_QUALITY:.2f}; sides were not compared, and "
            "the nodes' sides are unknown"
        )
        yield Fault(RefusalCode.MIDLINE, message)


def warn_of_stations(assessed: tuple[StationAssessment, ...], midline: Midline, rules: ScoringRules) -> Iterator[Fault]:
    """Yield `stations_missing` for stations that are hardly drawn on a side, where sides can be told."""
    least = rules.min_station_volume_mm3
    missing = [f"{each.side} {each.station.replace('_', ' ')}" for each in assessed if each.volume_mm3 < least]
    if missing and midline.trusted:
        yield Fault(RefusalCode.STATIONS_MISSING, f"less than {least:.0f} mm3 drawn of: {', '.join(missing)}")


def warn_of_nodes(labels: Volume, measured: MeasuredNodes, rules: ScoringRules) -> Iterator[Fault]:
    """Yield `node_specks` for bodies too small to be nodes and `nodes_outside_stations` for nodes far from stations."""
    bodies = cc3d.connected_components(np.isin(labels.voxels, NODE_LABELS), connectivity=6)
    volumes_mm3 = np.bincount(bodies.reshape(-1))[1:] * labels.voxel_volume_mm3
    specks = int(np.count_nonzero(volumes_mm3 < rules.min_node_volume_mm3))
    if specks:
        message = (
            f"{specks} of {len(volumes_mm3)} bodies with a node label are smaller than {rules.min_node_volume_mm3:.0f} "
            "mm3, which no node is; slips of the brush are learnt as nodes"
        )
        yield Fault(FaultCode.NODE_SPECKS, message)
    outside = sum(node.station is None for node in measured.nodes)
    if outside:
        message = f"{outside} of {len(measured.nodes)} nodes lie in no station; lateral nodes lie in one of three"
        yield Fault(RefusalCode.NODES_OUTSIDE_STATIONS, message)


def status_by_size(labels: Volume, measured: MeasuredNodes, rules: ScoringRules) -> Volume:
    """Return labels in which each node is positive from the cut-off of the study on, and negative below."""
    large = [node.id for node in measured.nodes if rules.size_cutoff(node.station).is_large(node.short_axis_mm)]
    voxels = labels.voxels.copy()
    voxels[np.isin(measured.instances.voxels, large) & np.isin(voxels, NODE_LABELS)] = NODE_POSITIVE
    return labels.with_voxels(voxels)


def warn_of_status(measured: MeasuredNodes, rules: ScoringRules) -> Iterator[Fault]:
    """Yield `node_status_by_size` for nodes that came without positive or negative."""
    if measured.nodes:
        message = (
            f"{len(measured.nodes)} nodes come without status: from {rules.short_axis_cutoff_mm:g} mm on they are "
            "taken as positive; the table of labels can name each segment instead"
        )
        yield Fault(FaultCode.NODE_STATUS_BY_SIZE, message)
