"""Cross-validation: every case is predicted by the fold that did not train on it, with nnU-Net's own predictor."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.core.errors import SettingInvalid
from runtime.core.labels import LABEL_NAMES, NODE_LABELS
from training.dataset import read_volume
from training.workspace import Workspace


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of one structure in one case, on the case's own grid."""

    predicted: int
    truth: int
    common: int

    @property
    def dice(self) -> float | None:
        """Return 2|A∩B| / (|A| + |B|); None where the structure is in neither."""
        total = self.predicted + self.truth
        return 2 * self.common / total if total else None


@dataclass(frozen=True)
class CaseResult:
    """One case's overlap per structure; `node` joins both node labels."""

    case: str
    fold: int
    overlaps: dict[str, Overlap]


def cross_validate(workspace: Workspace, cases_per_fold: int | None, processes: int) -> Iterator[CaseResult]:
    """Predict each fold's validation cases (the first `cases_per_fold` of them) by that fold alone; yields results.

    Raises `SettingInvalid` when a fold has no final checkpoint.
    """
    work = []
    for fold, split in enumerate(workspace.splits()):
        if not (workspace.fold(fold) / "checkpoint_final.pth").is_file():
            raise SettingInvalid("work", str(workspace.root), f"folds trained to their end (fold {fold} is not)")
        work += [(fold, case) for case in split["val"][:cases_per_fold]]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_evaluate_case, workspace, fold, case) for fold, case in work]):
            yield done.result()


def summarise(results: list[CaseResult]) -> dict[str, Any]:
    """Return Dice per structure: mean and median over the cases that have or predict it, and over all voxels pooled."""
    structures = {name: _summary([result.overlaps[name] for result in results]) for name in results[0].overlaps}
    return {
        "cases": len(results),
        "folds": sorted({result.fold for result in results}),
        "dice": structures,
        "dice_per_fold": {
            str(fold): {
                name: _summary([result.overlaps[name] for result in results if result.fold == fold])["mean"]
                for name in structures
            }
            for fold in sorted({result.fold for result in results})
        },
    }


def overlaps(predicted: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> dict[str, Overlap]:
    """Return the overlap of every structure between two label maps (z, y, x) of one shape."""
    groups = {name: (value,) for name, value in LABEL_NAMES.items() if value} | {"node": NODE_LABELS}
    counted = {}
    for name, values in groups.items():
        a, b = np.isin(predicted, values), np.isin(truth, values)
        counted[name] = Overlap(int(a.sum()), int(b.sum()), int((a & b).sum()))
    return counted


def predict_case(workspace: Workspace, fold: int, case: str) -> npt.NDArray[np.uint8]:
    """Return the label map (z, y, x) of one preprocessed case on its own grid, by one fold, as nnU-Net makes it."""
    import torch
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

    torch.set_num_threads(1)
    predictor = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(workspace.model), (fold,))
    data, _, _, properties = nnUNetDatasetBlosc2(str(workspace.cases), [case]).load_case(case)
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(data[:]))
    labels = convert_predicted_logits_to_segmentation_with_correct_shape(
        logits, predictor.plans_manager, predictor.configuration_manager, predictor.label_manager, properties
    )
    return np.asarray(labels, dtype=np.uint8)


def _evaluate_case(workspace: Workspace, fold: int, case: str) -> CaseResult:
    workspace.activate()
    truth = read_volume(workspace.raw / "labelsTr" / f"{case}.nii.gz").voxels
    return CaseResult(case, fold, overlaps(predict_case(workspace, fold, case), truth))


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
