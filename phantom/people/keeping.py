"""What is made of people's maps once and kept for the next run, in the user's own cache and never beside the code."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_VERSION: Final = 1
"""Raised whenever what is kept is made in another way."""

Arrays = Mapping[str, npt.NDArray[Any]]


def digest_of(path: Path) -> str:
    """Return the digest of a file, or of all NIfTI files of a folder."""
    found = hashlib.sha256(str(_VERSION).encode())
    for file in [path] if path.is_file() else sorted(path.glob("*.nii.gz")):
        found.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def recall(key: str) -> dict[str, npt.NDArray[Any]] | None:
    """Return what was kept under a key, or None; a damaged file counts as absent."""
    try:
        with np.load(_path(key), allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def keep(key: str, arrays: Arrays) -> None:
    """Keep arrays under a key; where the cache cannot be written nothing is kept."""
    path = _path(key)
    unfinished = path.with_suffix(f".{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)


def _path(key: str) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "sidewall" / "people" / f"{key}.npz"
