"""What a fold was trained with, written beside its checkpoints: versions, machine, threads, seeds, digests.

No host names, user names or paths: the file travels with the model.
"""

import hashlib
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from base import __version__
from base.processors import usable_processors
from training.workspace import Workspace, file_digest, write_json

ENVIRONMENT_FILE = "environment.json"

PACKAGES = (
    "torch",
    "nnunetv2",
    "numpy",
    "scipy",
    "batchgenerators",
    "batchgeneratorsv2",
    "dynamic_network_architectures",
    "acvl_utils",
    "blosc2",
    "SimpleITK",
    "connected-components-3d",
    "ray",
)
"""Whose versions are recorded; None stands for one that is not installed."""


def record_start(workspace: Workspace, folder: Path, plans: dict[str, Any], cases: list[str], start: Any) -> None:
    """Add one entry to the folder's environment.json: a fold that was interrupted has several.

    `plans` are those the run trains with, `cases` the names it trains on and validates with, and `start` what the
    caller knows of this start (epoch, threads, seeds), as JSON-ready values.
    """
    path = folder / ENVIRONMENT_FILE
    runs = json.loads(path.read_text())["runs"] if path.is_file() else []
    entry = {
        "start": start,
        "software": software(),
        "machine": machine(),
        "config_sha256": _digest(plans["sidewall"]),
        "plans_sha256": _digest(plans),
        "dataset": {"cases": len(cases), "sha256": dataset_digest(workspace, cases)},
    }
    write_json(path, {"runs": [*runs, entry]})


def software() -> dict[str, Any]:
    """Return versions of Python and of the packages that the result depends on, and the git revision if any."""
    return {
        "sidewall": __version__,
        "git": _git_revision(Path(__file__).parent),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if torch.cuda.is_available() else None,  # type: ignore[no-untyped-call]
    }


def machine() -> dict[str, Any]:
    """Return what computes here, without naming the machine."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cpus": usable_processors(),
        "gpus": gpus,
    }


def dataset_digest(workspace: Workspace, cases: list[str]) -> str:
    """Return one SHA-256 over the names and preprocessed files of the cases, in order of their names."""
    whole = hashlib.sha256()
    for name in sorted(cases):
        for ending in (".b2nd", "_seg.b2nd", ".pkl"):
            whole.update(f"{name}{ending} {file_digest(workspace.cases / f'{name}{ending}')}\n".encode())
    return whole.hexdigest()


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str | None:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _git_revision(folder: Path) -> str | None:
    """Return the commit of the checkout, with `+changes` where files differ from it; None outside a checkout."""
    described = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"]
    try:
        done = subprocess.run(described, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
