"""Quality checks of the input and of the segmentation: each says pass, warn or refuse, and why."""

from collections.abc import Iterable, Mapping
from typing import Final

from sidewall.vocabulary import STATION, Station

from core.counting import counted, named
from core.coverage import MIN_COVERAGE_MM, MIN_IN_PLANE_FIELD_MM
from core.errors import Reason, RefusalCode
from core.findings import Gate, GateOutcome, StationAssessment
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE, ImageReference
from core.judging.input_statistics import InputReference, distance_sd, measure_input
from core.measuring.midline import MIN_QUALITY, Midline
from core.measuring.nodes import MeasuredNodes
from core.reading.limits import DEFAULT_LIMITS
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume

MIN_BALANCE: Final = 0.25
"""Smaller to larger side of a station; truncated or badly segmented below. Sound phantoms reach down to 0.3."""

MAX_FOLD_SPREAD_MM: Final = 3.0
"""Spread of a node's short axis among the folds above which its size is called uncertain."""

MAX_NODES: Final = 20
"""More lateral nodes than this are a sign of a model out of its depth rather than of a patient."""


def check_input(
    volume: Volume, reference: InputReference | None, limits: ImageReference | None = None
) -> tuple[Gate, ...]:
    """Check resolution, field of view and likeness to the training cases of a canonical image.

    Without a reference the likeness is not checked; `limits` None takes the default. Only the resolution can refuse.
    """
    gates = (_check_resolution(volume), _check_field_of_view(volume))
    if reference is None:
        return gates
    deviations = reference.deviations(measure_input(volume))
    distant = _check_distance(distance_sd(deviations), reference, limits or DEFAULT_IMAGE_REFERENCE)
    return (*gates, _check_statistics(deviations, reference), distant)


def check_segmentation(
    segmentation: Segmentation,
    measured: MeasuredNodes,
    assessed: tuple[StationAssessment, ...],
    midline: Midline,
    rules: ScoringRules,
) -> tuple[Gate, ...]:
    """Check midline, stations, the places and the number of nodes, and the folds' agreement; none of them refuses."""
    gates = [
        _check_midline(midline),
        _check_stations(assessed, rules),
        _check_balance(assessed),
        _check_places(measured),
        _check_node_count(measured),
    ]
    if segmentation.fold_count > 1:
        gates.append(_check_folds(measured))
    return tuple(gates)


def refusal_reasons(gates: Iterable[Gate]) -> tuple[Reason, ...]:
    """Return the reasons of every gate that refuses."""
    return tuple(Reason(RefusalCode(gate.code), gate.message) for gate in gates if gate.outcome == "refuse")


def _check_resolution(volume: Volume) -> Gate:
    slice_mm, in_plane_mm = volume.spacing_mm[0], max(volume.spacing_mm[1:])
    outcome: GateOutcome = "pass"
    limits = DEFAULT_LIMITS
    if in_plane_mm > limits.max_in_plane_spacing_mm or slice_mm > limits.max_slice_spacing_mm:
        outcome = "refuse"
    elif slice_mm > limits.usual_slice_spacing_mm:
        outcome = "warn"
    return Gate(
        code=RefusalCode.TOO_COARSE.value,
        outcome=outcome,
        message=(
            f"voxels are {in_plane_mm:.2f} mm wide and slices {slice_mm:.2f} mm apart; allowed are at most "
            f"{limits.max_in_plane_spacing_mm:.1f} mm and {limits.max_slice_spacing_mm:.1f} mm, "
            f"and small nodes need slices at most {limits.usual_slice_spacing_mm:.1f} mm apart"
        ),
        score=in_plane_mm,
        threshold=limits.max_in_plane_spacing_mm,
    )


def _check_field_of_view(volume: Volume) -> Gate:
    along_mm, deep_mm, wide_mm = (n * step for n, step in zip(volume.shape, volume.spacing_mm, strict=True))
    enough = min(deep_mm, wide_mm) >= MIN_IN_PLANE_FIELD_MM and along_mm >= MIN_COVERAGE_MM
    return Gate(
        code="field_of_view",
        outcome="pass" if enough else "warn",
        message=(
            f"the images cover {wide_mm:.0f} x {deep_mm:.0f} mm and {along_mm:.0f} mm along the body; the lateral "
            f"compartments of both sides need about {MIN_IN_PLANE_FIELD_MM:.0f} mm and {MIN_COVERAGE_MM:.0f} mm"
        ),
        score=along_mm,
        threshold=MIN_COVERAGE_MM,
    )


def _check_distance(distance: float, reference: InputReference, limits: ImageReference) -> Gate:
    """Check for an image that is none of what the model knows, rather than an unusual one."""
    limit = max(limits.max_distance_sd, reference.distance_p99)
    return Gate(
        code=RefusalCode.FAR_FROM_TRAINING.value,
        outcome="warn" if distance > limit else "pass",
        message=(
            f"the image statistics lie {distance:.1f} SD from those of the training cases; beyond {limit:.1f} SD, "
            "where no usable series lies, there is no verdict"
        ),
        score=distance,
        threshold=limit,
    )


def _check_statistics(deviations: Mapping[str, float], reference: InputReference) -> Gate:
    distance = distance_sd(deviations)
    unlike = distance > reference.distance_p99
    largest = sorted(deviations.items(), key=lambda item: -abs(item[1]))[:3]
    return Gate(
        code="input_statistics",
        outcome="warn" if unlike else "pass",
        message=(
            f"the image statistics lie {distance:.1f} SD from those of the model's {reference.case_count} training "
            f"cases ({_rank(distance, reference)}); farthest: "
            + ", ".join(f"{name.replace('_', ' ')} {value:+.1f} SD" for name, value in largest)
        ),
        score=distance,
        threshold=reference.distance_p99,
    )


def _rank(distance: float, reference: InputReference) -> str:
    """Return where a distance lies among those of the training cases."""
    for percent, limit in ((50, reference.distance_p50), (95, reference.distance_p95), (99, reference.distance_p99)):
        if distance <= limit:
            return f"within {limit:.1f} SD, as {percent} % of them"
    return f"farther than 99 % of them, which lie within {reference.distance_p99:.1f} SD"


def _check_midline(midline: Midline) -> Gate:
    return Gate(
        code="midline",
        outcome="pass" if midline.trusted else "warn",
        message=(
            f"the anatomy is symmetric about the midline with a correlation of {midline.quality:.2f} "
            f"(at least {MIN_QUALITY:.2f} and stations on both sides are needed to tell the sides)"
        ),
        score=midline.quality,
        threshold=MIN_QUALITY,
    )


def _check_stations(assessed: tuple[StationAssessment, ...], rules: ScoringRules) -> Gate:
    missing = [f"{each.side} {STATION[each.station].words}" for each in assessed if not each.assessed]
    return Gate(
        code="stations_missing",
        outcome="warn" if missing else "pass",
        message=(
            f"not assessed: {', '.join(missing)}" if missing else "enough of every station of both sides was seen"
        ),
        score=min((station.volume_mm3 for station in assessed), default=0.0),
        threshold=rules.min_station_volume_mm3,
    )


def _check_balance(assessed: tuple[StationAssessment, ...]) -> Gate:
    volumes: dict[Station, list[float]] = {}
    for station in assessed:
        volumes.setdefault(station.station, []).append(station.volume_mm3)
    balance = {name: min(sides) / max(sides) if max(sides) > 0 else 0.0 for name, sides in volumes.items()}
    uneven = [f"{STATION[name].words} {share:.2f}" for name, share in balance.items() if share < MIN_BALANCE]
    return Gate(
        code="stations_imbalance",
        outcome="warn" if uneven else "pass",
        message=(
            f"the smaller side of a station has less than {MIN_BALANCE:.2f} of the larger one's volume: "
            + ", ".join(uneven)
            if uneven
            else "the stations of both sides are of similar volume"
        ),
        score=min(balance.values(), default=0.0),
        threshold=MIN_BALANCE,
    )


def _check_places(measured: MeasuredNodes) -> Gate:
    outside = [str(node.id) for node in measured.nodes if node.station is None]
    return Gate(
        code="nodes_outside_stations",
        outcome="warn" if outside else "pass",
        message=(
            f"{named('node', outside)} in no station; lateral nodes lie in one of three"
            if outside
            else "every node lies in a station"
        ),
        score=float(len(outside)),
        threshold=0.0,
    )


def _check_node_count(measured: MeasuredNodes) -> Gate:
    count = len(measured.nodes)
    return Gate(
        code="node_count",
        outcome="warn" if count > MAX_NODES else "pass",
        message=f"{counted(count, 'node')} found; more than {MAX_NODES} lateral nodes are not plausible",
        score=float(count),
        threshold=float(MAX_NODES),
    )


def _check_folds(measured: MeasuredNodes) -> Gate:
    spread = {
        node.id: node.short_axis_interval_mm[1] - node.short_axis_interval_mm[0]
        for node in measured.nodes
        if node.short_axis_interval_mm is not None
    }
    apart = [str(node_id) for node_id, width_mm in spread.items() if width_mm > MAX_FOLD_SPREAD_MM]
    return Gate(
        code="fold_agreement",
        outcome="warn" if apart else "pass",
        message=(
            f"the folds' short axes differ by more than {MAX_FOLD_SPREAD_MM:.1f} mm for {named('node', apart)}"
            if apart
            else f"the folds' short axes differ by at most {MAX_FOLD_SPREAD_MM:.1f} mm for every node"
        ),
        score=max(spread.values(), default=0.0),
        threshold=MAX_FOLD_SPREAD_MM,
    )
