"""Bytes that the checkpoints of a training take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from training.workspace import CONFIGURATION

if TYPE_CHECKING:  # Help answers before torch is loaded.
    import torch

_BYTES: Final = 4
"""Of a weight, and of a value that an optimiser keeps for it."""

_PER_WEIGHT: Final = {"sgd": 2, "adamw": 3}
"""Values in a checkpoint per weight: itself, and what the optimiser keeps for it (momentum, or two moments)."""


def planned_network(plans: dict[str, Any], labels: int) -> "torch.nn.Module":
    """Return the plans' network for one channel and so many labels, without memory for weights: names and shapes."""
    import torch
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    planned = PlansManager(plans).get_configuration(CONFIGURATION)
    arguments = (
        planned.network_arch_class_name,
        planned.network_arch_init_kwargs,
        planned.network_arch_init_kwargs_req_import,
    )
    with torch.device("meta"):
        network: torch.nn.Module = get_network_from_plans(
            *arguments, 1, labels, allow_init=False, deep_supervision=True
        )
    return network


def count_weights(plans: dict[str, Any], labels: int) -> int:
    """Return how many weights the plans' network has for one channel and so many labels."""
    return sum(each.numel() for each in planned_network(plans, labels).parameters())


def checkpoint_bytes(weights: int, optimizer: str) -> int:
    """Return the size of a checkpoint with so many weights."""
    return weights * _BYTES * _PER_WEIGHT[optimizer]


def most_bytes(checkpoints: Sequence[int], parallel: int) -> int:
    """Return the most that lies there while runs go on: one checkpoint for each, and one aside for those under way."""
    return sum(checkpoints) + sum(sorted(checkpoints, reverse=True)[:parallel])
