"""Folders that a command writes to, made before anything is computed for them."""

import os
from pathlib import Path

from analytics.errors import OutputUnwritable


def writable_folder(path: Path) -> Path:
    """Make a folder where there is none and return it; raises `OutputUnwritable` where it cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(str(path), error.strerror or type(error).__name__) from None
    if not os.access(path, os.W_OK):
        raise OutputUnwritable(str(path), "no permission")
    return path
