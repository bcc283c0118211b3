"""What `benchmarks.labelled_cases` trains and measures: its places, seeds, draws, cases and figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from core.labels import STATION_LABELS
from phantom.case import PhantomOptions, generate_case
from training import preparation
from training.case_figures import STRUCTURES, CaseFigures
from training.config import ModelConfig
from training.dataset import RawDataset, label_path, write_case, write_description
from training.detection import SIZE_CLASSES, detection
from training.mixed_cases import held_out
from training.workspace import Workspace, write_json

Place = Literal["south", "harbour", "people"]
"""Where the labelled cases come from: a hospital or people that the demo model has never seen."""

PLACES: Final[tuple[Place, ...]] = ("south", "harbour", "people")

Start = Literal["scratch", "bundle"]
STARTS: Final[tuple[Start, ...]] = ("scratch", "bundle")

SIZES: Final = (5, 10, 20, 40)
DRAWS: Final = 3

TESTED: Final = range(3100, 3120)
"""Seeds that every fold is measured on."""

WATCHED: Final = range(3120, 3126)
"""Seeds that say whether a fold has reached its plateau; no figure is taken on them."""

LABELLED: Final = range(3130, 3190)
"""Seeds that labelled cases are drawn from."""

NODE_THRESHOLD: Final = 0.5
"""Posterior above which a node is; nothing is chosen on the tested cases."""

MARGIN: Final[dict[str, float]] = {"station_dice": 0.02, "sensitivity": 0.05, "precision": 0.05}
"""How far below the fold from scratch with most cases a figure may lie and still count as enough."""

PLATEAU: Final = 0.01
"""Gain of the watched score, by twice as many epochs, below which a fold is at its plateau."""

_SAMPLES: Final = 1000


@dataclass(frozen=True)
class CaseCounts:
    """What one case adds to the figures of a fold."""

    case: str
    station_dice: float
    """Mean over the stations that the case has or the fold marks."""

    hits: int
    """True nodes of 5 mm and more that were found."""

    true: int
    right: int
    """Reported nodes of 5 mm and more that are true ones."""

    reported: int


def name_of(seed: int) -> str:
    """Return the name of a case."""
    return f"phantom_{seed}"


def options_of(place: Place, anatomy: Path | None, everybody: Sequence[str]) -> PhantomOptions:
    """Return how a place's cases are made: those of people by the people alone whom no training sees.

    `everybody` names all people of the folder. Raises `ValueError` for `people` without a folder of maps.
    """
    if place != "people":
        return PhantomOptions(hospital=place)
    if anatomy is None:
        raise ValueError("the place people needs a folder of people's label maps (--anatomy)")
    return PhantomOptions(anatomy=anatomy, left_out=tuple(sorted(set(everybody) - set(held_out().people))))


def draw_labelled(size: int, draw: int) -> tuple[int, ...]:
    """Return the seeds of a draw; a larger draw of the same number holds the smaller ones."""
    order = np.random.default_rng(draw).permutation(np.array(LABELLED))
    return tuple(sorted(int(seed) for seed in order[:size]))


def make_case(raw: Path, seed: int, options: PhantomOptions) -> str:
    """Write a case into a folder of raw cases unless it lies there; returns its name."""
    name = name_of(seed)
    if not label_path(raw, name).is_file():
        case = generate_case(seed, options=options)
        write_case(raw, name, case.image, case.labels)
    return name


def lay_out(workspace: Workspace, config: ModelConfig, folds: Sequence[Sequence[str]], kept_out: Sequence[str]) -> None:
    """Make raw cases ready to be trained on: fold k on `folds[k]`, all of them held against `kept_out`."""
    names = sorted({name for fold in folds for name in fold} | set(kept_out))
    write_description(workspace, names, RawDataset("phantom", {"cases": len(names)}))
    preparation.plan(workspace, config, 1)
    for _ in preparation.preprocess(workspace, 1):
        pass
    splits = [{"train": list(fold), "val": list(kept_out)} for fold in folds]
    write_json(workspace.preprocessed / "splits_final.json", splits)
    write_json(workspace.preprocessed / preparation.WARM_START_SPLIT, {"train": [], "val": []})
    preparation.take_snapshot(workspace)


def counts_of(figures: CaseFigures) -> CaseCounts:
    """Return what a case adds, at the fixed node threshold."""
    names = [name for name, values in STRUCTURES.items() if values[0] in STATION_LABELS and name != "node"]
    dice = [value for name in names if (value := figures.overlaps[name].dice) is not None]
    found = detection([figures], NODE_THRESHOLD, 0.0, *SIZE_CLASSES[">= 5 mm"])
    mean = float(np.mean(dice)) if dice else 0.0
    return CaseCounts(figures.case, mean, found.found, found.true, found.right, found.reported)


def figures_of(cases: Sequence[CaseCounts]) -> dict[str, float]:
    """Return station Dice, node sensitivity and precision over cases; a share of nothing is NaN."""
    hits, true, right, reported = (
        sum(getattr(case, name) for case in cases) for name in ("hits", "true", "right", "reported")
    )
    return {
        "station_dice": float(np.mean([case.station_dice for case in cases])) if cases else math.nan,
        "sensitivity": hits / true if true else math.nan,
        "precision": right / reported if reported else math.nan,
    }


def watched_score(cases: Sequence[CaseCounts]) -> float:
    """Return what the plateau is told by: the mean of station Dice and node F1 (0 without any hit)."""
    hits, true, reported = (sum(getattr(case, name) for case in cases) for name in ("hits", "true", "reported"))
    f1 = 2 * hits / (true + reported) if hits else 0.0
    return 0.5 * (float(np.mean([case.station_dice for case in cases])) + f1)


def at_plateau(scores: Sequence[float]) -> bool:
    """Return whether the last doubling of the epochs brought less than `PLATEAU`."""
    return len(scores) > 1 and scores[-1] - scores[-2] < PLATEAU


def with_interval(draws: Sequence[Sequence[CaseCounts]]) -> dict[str, list[float]]:
    """Return each figure's mean over the draws and its 95 % interval, by bootstrap of draws and of tested phantoms.

    Every draw is measured on the same phantoms in the same order: a sample takes the same ones of each draw.
    """
    rng = np.random.default_rng(0)
    samples: dict[str, list[float]] = {name: [] for name in MARGIN}
    for _ in range(_SAMPLES):
        cases = rng.integers(len(draws[0]), size=len(draws[0]))
        chosen = rng.integers(len(draws), size=len(draws))
        for name, value in _mean([[draws[draw][case] for case in cases] for draw in chosen]).items():
            samples[name].append(value)
    return {
        name: [round(value, 3), *(round(float(np.nanpercentile(samples[name], p)), 3) for p in (2.5, 97.5))]
        for name, value in _mean(draws).items()
    }


def _mean(draws: Sequence[Sequence[CaseCounts]]) -> dict[str, float]:
    each = [figures_of(cases) for cases in draws]
    return {name: float(np.mean([figures[name] for figures in each])) for name in MARGIN}


def enough(curve: Mapping[Start, Mapping[int, Mapping[str, Sequence[float]]]]) -> dict[str, int | None]:
    """Return for each figure the fewest cases that come, from the bundle, within its margin of most from scratch.

    None where no number does, or where the curve lacks the fold from scratch with most cases.
    """
    told: dict[str, int | None] = {}
    for name, margin in MARGIN.items():
        reference = curve["scratch"].get(max(SIZES))
        sizes = sorted(curve["bundle"])
        near = (
            []
            if reference is None
            else [size for size in sizes if curve["bundle"][size][name][0] >= reference[name][0] - margin]
        )
        told[name] = near[0] if near else None
    return told


def to_plain(cases: Sequence[CaseCounts]) -> list[dict[str, Any]]:
    """Return plain JSON types."""
    return [asdict(case) for case in cases]
