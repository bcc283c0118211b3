"""Cross-validation: every case is predicted by the fold that did not train on it, then measured."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from base.errors import SettingInvalid
from training.case_figures import STRUCTURES, CaseFigures, Overlap, measure_case, overlaps
from training.dataset import read_volume
from training.lineage.proving import HeldOut
from training.pool import in_processes
from training.prediction import FloatArray, LabelArray, kept_prediction, remove_stale
from training.workspace import Workspace


def held_out(workspace: Workspace, folds: Sequence[int], cases_per_fold: int | None) -> list[HeldOut]:
    """Return the validation cases (the first `cases_per_fold` of them) of the folds.

    Whether a fold has seen one is for `training.lineage.proving` to say. Raises `SettingInvalid` when a fold does not
    exist or has no final checkpoint.
    """
    splits = workspace.splits()
    for fold in folds:
        if fold not in range(len(splits)):
            raise SettingInvalid("folds", list(folds), f"folds 0 to {len(splits) - 1}")
        if not (workspace.fold(fold) / "checkpoint_final.pth").is_file():
            raise SettingInvalid("work", str(workspace.root), f"folds trained to their end (fold {fold} is not)")
    return [(fold, case) for fold in folds for case in splits[fold]["val"][:cases_per_fold]]


def predict_all(workspace: Workspace, work: Sequence[HeldOut], processes: int, device: str) -> Iterator[str]:
    """Predict the cases that the folds as they are have not predicted yet; yields each case's name.

    What the folds as they are would not predict again is removed first.
    """
    for fold in sorted({fold for fold, _ in work}):
        remove_stale(workspace, fold)
    yield from in_processes(_predict, [(workspace, *each, device) for each in work], processes)


def overlaps_of(workspace: Workspace, work: Sequence[HeldOut]) -> list[tuple[int, dict[str, Overlap]]]:
    """Return fold and overlap per structure of every predicted case."""
    results = []
    for fold, case in work:
        truth = read_volume(workspace.raw / "labelsTr" / f"{case}.nii.gz").voxels
        results.append((fold, overlaps(kept_prediction(workspace, fold, case).labels, truth)))
    return results


def sampled_voxels(workspace: Workspace, work: Sequence[HeldOut]) -> list[tuple[FloatArray, LabelArray]]:
    """Return log probabilities (class, n) and true labels (n,) of the voxels drawn from every predicted case."""
    predictions = (kept_prediction(workspace, fold, case) for fold, case in work)
    return [(prediction.sample, prediction.sample_truth) for prediction in predictions]


def measure_all(
    workspace: Workspace, work: Sequence[HeldOut], temperature: float, processes: int
) -> Iterator[CaseFigures]:
    """Measure every predicted case with its posteriors at a temperature; yields in the order they are done."""
    yield from in_processes(_measure, [(workspace, *each, temperature) for each in work], processes)


def summarise(results: Sequence[tuple[int, dict[str, Overlap]]]) -> dict[str, Any]:
    """Return Dice per structure: mean and median over the cases that have or predict it, and over all voxels pooled."""
    folds = sorted({fold for fold, _ in results})
    return {
        "cases": len(results),
        "folds": folds,
        "dice": {name: _summary([each[name] for _, each in results]) for name in STRUCTURES},
        "dice_per_fold": {
            str(fold): {
                name: _summary([each[name] for of, each in results if of == fold])["mean"] for name in STRUCTURES
            }
            for fold in folds
        },
    }


def _predict(workspace: Workspace, fold: int, case: str, device: str) -> str:
    workspace.activate()
    kept_prediction(workspace, fold, case, device)
    return case


def _measure(workspace: Workspace, fold: int, case: str, temperature: float) -> CaseFigures:
    return measure_case(workspace, fold, case, kept_prediction(workspace, fold, case), temperature)


def _summary(counts: list[Overlap]) -> dict[str, float | int | None]:
    values = [count.dice for count in counts if count.dice is not None]
    pooled = Overlap(*(sum(getattr(count, name) for count in counts) for name in ("predicted", "truth", "common")))
    return {
        "mean": _rounded(float(np.mean(values)) if values else None),
        "median": _rounded(float(np.median(values)) if values else None),
        "pooled": _rounded(pooled.dice),
        "cases": len(values),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
