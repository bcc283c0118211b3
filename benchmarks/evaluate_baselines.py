"""`python -m benchmarks.evaluate_baselines`: how far simple rules get on the phantom, which must not be far.

The detector's settings are chosen on training seeds and its F1 is measured on others; so is the station rule.
"""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.machine import describe_machine
from benchmarks.scoring import proportion
from benchmarks.seeds import parse_seeds
from core.labels import Station
from core.volume import canonicalise
from phantom.baselines import (
    Candidates,
    DetectorSettings,
    StationRule,
    body_frame,
    detect,
    find_candidates,
    relative_signal,
    select,
)
from phantom.case import GENERATOR_VERSION, PhantomCase, PhantomOptions, generate_case
from training.node_matching import MINIMUM_IOU, match_instances

DETECTOR_LIMIT_F1 = 0.6
STATION_LIMIT_ACCURACY = 0.8

SIGNAL_LOW, SIGNAL_HIGH = (0.08, 0.15, 0.25), (0.6, 0.7, 0.8)
OPENINGS_MM = (0.0, 1.2)
FILLS = (0.1, 0.2, 0.3, 0.4)
VOLUMES_MM3 = tuple(itertools.product((20.0, 50.0, 100.0, 150.0, 250.0), (600.0, 2000.0)))
POSITION_QUANTILES = (0.02, 0.98)

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, eq=False)
class _Scored:
    """The components of one case and settings, with the true node each of them would match (0: none)."""

    candidates: Candidates
    match: npt.NDArray[np.int64]
    true_nodes: int


@dataclass(frozen=True, eq=False)
class _Positions:
    """Where the true nodes of one or more cases lie, relative to the body."""

    positions: npt.NDArray[np.float64]
    stations: tuple[Station, ...]


def node_positions(case: PhantomCase) -> _Positions:
    """Return the true nodes of a case relative to the bounding box of the body in its image."""
    image, _ = canonicalise(case.image)
    indices = [image.lps_mm_to_index(node.centre_lps_mm) for node in case.nodes]
    return _Positions(body_frame(image).relative(np.reshape(indices, (-1, 3))), tuple(n.station for n in case.nodes))


def detector_counts(case: PhantomCase, settings: DetectorSettings) -> tuple[int, int, int]:
    """Return hits, false alarms and misses of the detector in a case, matched one to one."""
    image, reorientation = canonicalise(case.image)
    matching = match_instances(detect(image, settings), reorientation.apply(case.node_ids.voxels))
    return len(matching.pairs), len(matching.false_alarms), len(matching.missed)


def f1_score(hits: int, false_alarms: int, misses: int) -> float:
    """Return the harmonic mean of precision and recall; 0 without any hit."""
    return 2 * hits / (2 * hits + false_alarms + misses) if hits else 0.0


def tune_detector(
    cases: Sequence[PhantomCase], positions: _Positions, console: Console
) -> tuple[DetectorSettings, float]:
    """Return the settings with the largest F1 over the cases, and that F1, by search over a grid."""
    lateral, depth = np.abs(positions.positions[:, 2]), positions.positions[:, 1]
    base = DetectorSettings(lateral=_quantiles(lateral), depth=_quantiles(depth))
    best, best_f1 = base, -1.0
    prepared = []
    for case in cases:
        image, reorientation = canonicalise(case.image)
        truth = reorientation.apply(case.node_ids.voxels)
        prepared.append((image, relative_signal(image), body_frame(image), truth))
    grid = list(itertools.product(SIGNAL_LOW, SIGNAL_HIGH, OPENINGS_MM))
    for low, high, opening_mm in track(grid, description="tuning", console=console):
        scored = []
        for image, signal, frame, truth in prepared:
            candidates = find_candidates(image, signal, frame, (low, high), opening_mm)
            scored.append(_Scored(candidates, _matches(candidates, truth), len(np.unique(truth)) - 1))
        for fill, volume_mm3 in itertools.product(FILLS, VOLUMES_MM3):
            settings = replace(base, signal=(low, high), opening_mm=opening_mm, fill=fill, volume_mm3=volume_mm3)
            f1 = _tuning_f1(scored, settings)
            if f1 > best_f1:
                best, best_f1 = settings, f1
    return best, best_f1


def _tuning_f1(scored: Iterable[_Scored], settings: DetectorSettings) -> float:
    hits = false_alarms = true_nodes = 0
    for case in scored:
        matched = case.match[select(case.candidates, settings) - 1]
        hits += len(set(matched[matched > 0].tolist()))
        false_alarms += int((matched == 0).sum())
        true_nodes += case.true_nodes
    return f1_score(hits, false_alarms, true_nodes - hits)


def _matches(candidates: Candidates, truth: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the true node that every component overlaps by at least the minimum IoU, 0 without one."""
    match = np.zeros(len(candidates.volume_mm3), np.int64)
    component_sizes = np.bincount(candidates.labels.ravel(), minlength=len(match) + 1)
    for node_id in np.unique(truth[truth > 0]):
        node = truth == node_id
        overlaps = np.bincount(candidates.labels[node], minlength=len(match) + 1)
        iou = overlaps / (component_sizes + node.sum() - overlaps)
        match[np.flatnonzero(iou[1:] >= MINIMUM_IOU)] = int(node_id)
    return match


def _quantiles(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, POSITION_QUANTILES)
    return round(float(low), 4), round(float(high), 4)


def _join(parts: Iterable[_Positions]) -> _Positions:
    parts = tuple(parts)
    stations = tuple(station for part in parts for station in part.stations)
    return _Positions(np.concatenate([part.positions for part in parts]), stations)


def measure(
    training: Sequence[int], evaluation: Sequence[int], options: PhantomOptions, console: Console
) -> dict[str, Any]:
    """Return the figures of both rules, tuned on the training seeds and measured on the evaluation seeds.

    `options` say whose maps the bodies are made from; by default they are of shapes.
    """
    making = track(training, description="training phantoms", console=console)
    cases = [generate_case(seed, options=options) for seed in making]
    training_positions = _join(node_positions(case) for case in cases)
    settings, training_f1 = tune_detector(cases, training_positions, console)
    rule = StationRule.fit(training_positions.positions, training_positions.stations)
    counts = np.zeros(3, np.int64)
    parts = []
    for seed in track(evaluation, description="evaluation phantoms", console=console):
        case = generate_case(seed, options=options)
        counts += detector_counts(case, settings)
        parts.append(node_positions(case))
    held_out = _join(parts)
    right = sum(a == b for a, b in zip(rule.predict(held_out.positions), held_out.stations, strict=True))
    hits, false_alarms, misses = (int(count) for count in counts)
    return {
        "detector": {
            "settings": asdict(settings),
            "training_f1": training_f1,
            "f1": f1_score(hits, false_alarms, misses),
            "must_stay_below": DETECTOR_LIMIT_F1,
            "precision": proportion(hits, hits + false_alarms),
            "recall": proportion(hits, hits + misses),
        },
        "station_by_position": {
            "centroids_zyx": dict(zip(rule.stations, rule.centroids.tolist(), strict=True)),
            "accuracy": proportion(right, len(held_out.stations)),
            "must_stay_below": STATION_LIMIT_ACCURACY,
        },
    }


@app.command()
def main(
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON file that receives the figures.")],
    training: Annotated[str, typer.Option(help="Seeds the rules are tuned on.")] = "1000-1005",
    evaluation: Annotated[str, typer.Option(help="Seeds the rules are measured on.")] = "0-11",
    anatomy: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of people's label maps to make bodies from."),
    ] = None,
) -> None:
    """Tune a threshold-and-size detector and a position-only station rule, and measure both on other phantoms.

    Example: python -m benchmarks.evaluate_baselines --out benchmarks/results/phantom_baselines.json
    """
    try:
        seeds = parse_seeds(training), parse_seeds(evaluation)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    figures = measure(*seeds, PhantomOptions(anatomy=anatomy), Console(stderr=True))
    options = f"--out {out} --training {training} --evaluation {evaluation}"
    options += f" --anatomy {anatomy.name}" if anatomy else ""
    report = {
        "command": f"python -m benchmarks.evaluate_baselines {options}",
        "generator_version": GENERATOR_VERSION,
        "training_seeds": training,
        "evaluation_seeds": evaluation,
        "minimum_iou": MINIMUM_IOU,
        **figures,
        "machine": describe_machine(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    detector, station = figures["detector"], figures["station_by_position"]
    Console().print(
        f"detector F1 {detector['f1']:.3f} (must stay below {DETECTOR_LIMIT_F1}); "
        f"station by position {station['accuracy']['value']:.3f} (must stay below {STATION_LIMIT_ACCURACY})"
    )


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.evaluate_baselines")
