"""Predictions of the cases that a fold validates: nnU-Net's own predictor, kept beside the fold."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.labels import NODE_LABELS, NODE_NEGATIVE, NODE_POSITIVE
from core.segmentation import Segmentation
from core.volume import Volume
from training.boxes import bounding_box
from training.dataset import read_volume
from training.sources import digest_of, sources_of
from training.workspace import Workspace, file_digest

LEAST_POSTERIOR: Final = 1e-4
"""Node posterior below which a voxel's probabilities are not kept: no temperature lifts it to a node threshold."""

SAMPLED_VOXELS: Final = 20_000
"""Voxels per case on which the temperature is fitted and the calibration measured."""

SAMPLE_MARGIN_MM: Final = 10.0
"""Width around true and predicted foreground in which voxels are sampled: far from it every model is certain."""

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Prediction:
    """One fold's answer to one case, on the case's own grid."""

    labels: LabelArray
    """(z, y, x) arg-max, as nnU-Net makes it."""

    where: npt.NDArray[np.int64]
    """(k,) flat indices of the voxels that may belong to a node."""

    log_probabilities: FloatArray
    """(class, k) at those voxels: the logits but for a constant per voxel."""

    sample: FloatArray
    """(class, n) log probabilities of voxels drawn around the foreground."""

    sample_truth: LabelArray
    """(n,) their true labels."""


def predict_case(workspace: Workspace, fold: int, case: str, device: str = "cpu") -> tuple[LabelArray, FloatArray]:
    """Return labels (z, y, x) and softmax probabilities (class, z, y, x) of one preprocessed case on its own grid."""
    import torch
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

    torch.set_num_threads(1)
    predictor = nnUNetPredictor(
        use_mirroring=False,
        # Asked for on a CPU, it says on standard output that it cannot be, in the middle of our JSON.
        perform_everything_on_device=device == "cuda",
        device=torch.device(device),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(str(workspace.model), (fold,))
    data, _, _, properties = nnUNetDatasetBlosc2(str(workspace.cases), [case]).load_case(case)
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(data[:])).cpu()
    labels, probabilities = convert_predicted_logits_to_segmentation_with_correct_shape(
        logits,  # in float16, as the runtime and nnU-Net resample them
        predictor.plans_manager,
        predictor.configuration_manager,
        predictor.label_manager,
        properties,
        return_probabilities=True,
        num_threads_torch=1,
    )
    return np.asarray(labels, dtype=np.uint8), np.asarray(probabilities, dtype=np.float32)


def kept_prediction(workspace: Workspace, fold: int, case: str, device: str = "cpu") -> Prediction:
    """Return a case's prediction, from the fold's folder where that checkpoint made one of that image and mask."""
    path = prediction_file(workspace, fold, case)
    checkpoint = digest_of([checkpoint_digest(workspace, fold), sources_of(workspace, case)])
    if path.is_file():
        with np.load(path) as content:
            if str(content["checkpoint"]) == checkpoint:
                return Prediction(**{name: content[name] for name in Prediction.__dataclass_fields__})
    labels, probabilities = predict_case(workspace, fold, case, device)
    truth = read_volume(workspace.raw / "labelsTr" / f"{case}.nii.gz")
    prediction = reduce_prediction(labels, probabilities, truth, seed=case)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez_compressed(file, checkpoint=np.array(checkpoint), **vars(prediction))
    part.replace(path)
    return prediction


def remove_stale(workspace: Workspace, fold: int) -> None:
    """Remove kept predictions of a fold that it would not make again: of earlier weights, changed or other cases.

    nnU-Net's own files in the same folder stay.
    """
    cases, digest = workspace.splits()[fold]["val"], checkpoint_digest(workspace, fold)
    current = {case: digest_of([digest, sources_of(workspace, case)]) for case in cases}
    for path in (workspace.fold(fold) / "validation").glob("*.npz*"):
        made_by = _made_by(path)
        if path.suffix == ".part" or (made_by is not None and made_by != current.get(path.stem)):
            path.unlink()


def _made_by(path: Path) -> str | None:
    """Return what stands in a kept prediction of the checkpoint and case it was made from; None in any other file."""
    try:
        with np.load(path) as content:
            return str(content["checkpoint"])
    except (KeyError, ValueError, OSError, zipfile.BadZipFile):
        return None


def prediction_file(workspace: Workspace, fold: int, case: str) -> Path:
    """Return where a case's out-of-fold prediction is kept (nnU-Net keeps its own in the same folder)."""
    return workspace.fold(fold) / "validation" / f"{case}.npz"


def checkpoint_digest(workspace: Workspace, fold: int) -> str:
    """Return the SHA-256 of a fold's final checkpoint."""
    return file_digest(workspace.fold(fold) / "checkpoint_final.pth")


def reduce_prediction(labels: LabelArray, probabilities: FloatArray, truth: Volume, seed: str) -> Prediction:
    """Return what is kept of a prediction: labels, node candidates, and voxels drawn alike for the same seed."""
    flat = np.maximum(probabilities.reshape(len(probabilities), -1), np.finfo(np.float32).tiny)
    where = np.flatnonzero(flat[list(NODE_LABELS)].sum(axis=0) >= LEAST_POSTERIOR)
    z, y, x = (int(np.ceil(SAMPLE_MARGIN_MM / mm)) for mm in truth.spacing_mm)
    drawn = _draw(bounding_box((labels > 0) | (truth.voxels > 0), (z, y, x)), labels.shape, seed)
    return Prediction(
        labels=labels,
        where=where,
        log_probabilities=np.log(flat[:, where]),
        sample=np.log(flat[:, drawn]),
        sample_truth=truth.voxels.reshape(-1)[drawn].astype(np.uint8),
    )


def segmentation_of(prediction: Prediction, image: Volume, temperature: float) -> Segmentation:
    """Return a prediction as the runtime's measurement takes it, its logits divided by a temperature (Guo et al. 2017).

    Dividing logits moves no label, only how certain the posteriors are.
    """
    tempered = temper(prediction.log_probabilities, temperature)
    negative, positive = tempered[NODE_NEGATIVE], tempered[NODE_POSITIVE]
    node, share = (np.zeros(prediction.labels.size, dtype=np.float32) for _ in range(2))
    node[prediction.where] = negative + positive
    share[prediction.where] = positive / np.maximum(negative + positive, np.finfo(np.float32).tiny)
    return Segmentation(
        labels=image.with_voxels(prediction.labels),
        node_posterior=image.with_voxels(node.reshape(prediction.labels.shape)),
        positive_share=image.with_voxels(share.reshape(prediction.labels.shape)),
        fold_opinions=(),
        fold_count=1,
    )


def temper(log_probabilities: FloatArray, temperature: float) -> FloatArray:
    """Return softmax(logits / temperature) from log probabilities (class, ...), float32."""
    logits = log_probabilities.astype(np.float64) / temperature
    powers = np.exp(logits - logits.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0), dtype=np.float32)


def _draw(box: tuple[slice, ...], shape: tuple[int, ...], seed: str) -> npt.NDArray[np.int64]:
    """Return flat indices of voxels of a box, drawn without repeating any."""
    inside: Any = np.arange(int(np.prod(shape))).reshape(shape)[box].reshape(-1)
    random = np.random.default_rng(list(hashlib.sha256(seed.encode()).digest()))
    return np.sort(random.choice(inside, min(SAMPLED_VOXELS, inside.size), replace=False))
