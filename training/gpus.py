"""Which GPU each of the folds that run at the same time on one machine gets."""

import os


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; empty without any."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu.strip() for gpu in named.split(",") if gpu.strip()]
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]


def gpu_of(place: int, gpus: list[str]) -> str | None:
    """Return the GPU of the place-th (from 0) of the folds that run together: in turn, and again from the first."""
    return gpus[place % len(gpus)] if gpus else None
