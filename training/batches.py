"""Batches that follow from their number alone, whoever cuts them: two runs agree, and a resumed run misses nothing."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.sampling import NodeLoader

Batch = dict[str, Any]


def set_seeds(*numbers: int) -> None:
    """Seed Python's, numpy's and torch's random numbers from whole numbers, each at least 0.

    nnU-Net's loader and batchgenerators draw from all three.
    """
    state = np.random.SeedSequence(numbers).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))
    torch.manual_seed(int(state[2]))


class NumberedBatches(Dataset[Batch]):
    """The batches of one run: number n is drawn from the seeds and n, in whatever process it is asked for."""

    def __init__(self, loader: NodeLoader, *seeds: int) -> None:
        self.loader, self.seeds = loader, seeds

    def __getitem__(self, number: int) -> Batch:
        """Return a batch: `data` (batch, channel, z, y, x) and `target`, one label array per resolution."""
        set_seeds(*self.seeds, number)
        batch: Batch = self.loader.generate_train_batch()
        return batch


def batches(source: NumberedBatches, numbers: range, processes: int, *, pinned: bool = False) -> Iterator[Batch]:
    """Return the batches of these numbers in order, cut by so many processes; 0 cuts them between the steps.

    nnU-Net's own augmenter hands batches over as they come ready, so that no two runs see the same; torch's loader
    keeps their order.
    """
    loader: DataLoader[Batch] = DataLoader(
        source,
        batch_size=None,
        sampler=numbers,
        num_workers=processes,
        collate_fn=_unchanged,
        pin_memory=pinned,
    )
    return iter(loader)


def _unchanged(batch: Any) -> Any:
    return batch
