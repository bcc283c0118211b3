"""nnU-Net's own predictor, as the reference that the runtime and every bundle are held to."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from nnunetv2.inference.data_iterators import PreprocessAdapterFromNpy
from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

from core.volume import Volume
from export.checkpoints import ModelFolder, Weights


@dataclass(frozen=True, eq=False)
class Prediction:
    """What nnU-Net says about one case."""

    data: npt.NDArray[np.float32]
    """(1, z, y, x) preprocessed image on the network's grid."""

    logits: npt.NDArray[np.float16]
    """(class, z, y, x) mean of the folds on the network's grid."""

    labels: npt.NDArray[np.uint8]
    """(z, y, x) on the native grid."""


class Oracle:
    """`nnUNetPredictor` on the CPU with step 0.5, Gaussian weights and no mirroring."""

    def __init__(self, model: ModelFolder, folds: Sequence[Weights]) -> None:
        self._model = model
        with contextlib.redirect_stdout(io.StringIO()):
            self._predictor: Any = nnUNetPredictor(
                use_mirroring=False,
                perform_everything_on_device=False,
                device=torch.device("cpu"),
                allow_tqdm=False,
            )
        network = model.build_network(folds[0])
        self._predictor.manual_initialization(
            network,
            model.manager,
            model.manager.get_configuration(model.configuration),
            list(folds),
            model.dataset,
            "nnUNetTrainerNoMirroring",
            None,
        )

    def predict(self, volume: Volume) -> Prediction:
        """Return the answer for a canonical volume."""
        predictor = self._predictor
        case = next(
            PreprocessAdapterFromNpy(
                [volume.voxels.astype(np.float32)[None]],
                [None],
                [{"spacing": list(volume.spacing_mm)}],
                [None],
                predictor.plans_manager,
                predictor.dataset_json,
                predictor.configuration_manager,
            )
        )
        logits = predictor.predict_logits_from_preprocessed_data(case["data"]).cpu()
        labels = convert_predicted_logits_to_segmentation_with_correct_shape(
            logits,
            predictor.plans_manager,
            predictor.configuration_manager,
            predictor.label_manager,
            case["data_properties"],
            num_threads_torch=torch.get_num_threads(),
        )
        return Prediction(case["data"].numpy(), logits.numpy(), np.asarray(labels, dtype=np.uint8))
