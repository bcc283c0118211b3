"""Phantom cases as a training dataset."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from phantom.case import GENERATOR_VERSION, generate_case
from runtime.core.errors import SettingInvalid
from training.dataset import RawDataset, label_path, write_case, write_description
from training.workspace import Workspace

EVALUATION_SEEDS = range(100)
"""Phantom seeds that measure the model and are never trained on."""

TRAINING_SEEDS = range(1000, 1300)
"""Phantom seeds that training may use."""


def case_name(seed: int) -> str:
    """Return the name of a phantom case."""
    return f"phantom_{seed:04d}"


def check_training_seeds(seeds: Sequence[int]) -> None:
    """Raise `SettingInvalid` unless all seeds are distinct and free for training."""
    if not seeds or len(set(seeds)) != len(seeds) or any(seed not in TRAINING_SEEDS for seed in seeds):
        allowed = f"distinct seeds from {TRAINING_SEEDS.start} to {TRAINING_SEEDS.stop - 1}"
        reserved = f"{EVALUATION_SEEDS.start}-{EVALUATION_SEEDS.stop - 1} measure the model"
        raise SettingInvalid("seeds", list(seeds), f"{allowed} ({reserved})")


def write_phantoms(workspace: Workspace, seeds: Sequence[int], processes: int) -> Iterator[str]:
    """Generate the cases that are not there yet; yields each case's name when it is written.

    Raises `SettingInvalid` on seeds that training may not use.
    """
    check_training_seeds(seeds)
    missing = [seed for seed in seeds if not label_path(workspace.raw, case_name(seed)).is_file()]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_write_phantom, workspace.raw, seed) for seed in missing]):
            yield done.result()
    source = {"generator_version": GENERATOR_VERSION, "seeds": list(seeds)}
    write_description(workspace, [case_name(seed) for seed in seeds], RawDataset("phantom", source))


def _write_phantom(raw: Path, seed: int) -> str:
    case = generate_case(seed)
    name = case_name(seed)
    write_case(raw, name, case.image, case.labels)
    return name
