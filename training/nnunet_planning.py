"""Network, patch and batch by nnU-Net's own planner, for the configs that leave them to it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.config import ModelConfig
from training.workspace import CONFIGURATION


def planned_by_nnunet(
    planner: Any, config: ModelConfig, spacing: list[float], median_shape: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Return the configuration that nnU-Net's ExperimentPlanner makes for the full resolution, trained by our trainer.

    `spacing` (mm) and `median_shape` (voxels after resampling) are (z, y, x). The patch is as large, and the network as
    deep, as `grid.gpu_memory_gb` allows by nnU-Net's estimate.
    """
    planner.UNet_vram_target_GB = config.grid.gpu_memory_gb
    voxels = float(np.prod(median_shape) * planner.dataset_json["numTraining"])
    identifier = f"{config.name}_{CONFIGURATION}"
    planned: dict[str, Any] = planner.get_plans_for_configuration(
        np.asarray(spacing), median_shape, identifier, voxels, {}
    )
    # nnU-Net's own planner has Dice per patch here; the reason for the whole batch stands in SidewallTrainer.
    return planned | {"batch_dice": True}
