"""Folders that a command writes to, made before anything is computed for them."""

import tempfile
from pathlib import Path
from typing import Final

from analytics.errors import OutputUnwritable, file_failure
from base.errors import SystemFailed

_TRIAL_BYTES: Final = 4 << 20
"""About what a report takes."""


def writable_folder(path: Path) -> Path:
    """Make a folder where there is none and return it; raises an `AnalyticsError` or `SystemFailed` where it cannot."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        failure = file_failure(error, str(path))
        raise failure if isinstance(failure, SystemFailed) else OutputUnwritable(str(path), failure.reason) from None
    try:
        # Trying it is surer than asking for permissions, which say nothing of full or read-only disks.
        with tempfile.TemporaryFile(dir=path) as trial:
            trial.write(bytes(_TRIAL_BYTES))
    except OSError as error:
        raise file_failure(error, str(path)) from None
    return path
