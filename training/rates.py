"""Learning rates over a run."""

import torch


class PolynomialRate:
    """nnU-Net's learning rate (PolyLRScheduler, exponent 0.9), for a run that continues another one."""

    def __init__(self, optimizer: torch.optim.Optimizer, initial: float, epochs_before: int, epochs_total: int) -> None:
        self.optimizer, self.initial = optimizer, initial
        self.epochs_before, self.epochs_total = epochs_before, epochs_total

    def step(self, epoch: int) -> None:
        """Set the rate of an epoch of this run, counted from 0."""
        rate = self.initial * (1 - (epoch + self.epochs_before) / self.epochs_total) ** 0.9
        for group in self.optimizer.param_groups:
            group["lr"] = rate
