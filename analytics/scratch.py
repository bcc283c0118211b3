"""Where scratch files go on a machine that has no room for them where they usually go.

The same as `base.scratch`, which this package does not know.

A container may run as any user, with a file system that is read-only but for what is mounted into it, and without a
home. Libraries then find no folder for their own files, and give up or warn: so they are shown one, in memory.
"""

import os
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")
_SCRATCH: Final = "TMPDIR"
_MATPLOTLIB: Final = "MPLCONFIGDIR"


@contextmanager
def scratch_settled(environment: MutableMapping[str, str] = os.environ) -> Iterator[None]:
    """Name folders for scratch files while the context is open, where the usual ones cannot be written.

    Processes that are started meanwhile share them. What the environment names stays, if it can be written.
    """
    if not _has_scratch():
        environment[_SCRATCH] = str(_MEMORY)
        # Looked for anew, at the place that is named now.
        tempfile.tempdir = None
    with ExitStack() as stack:
        if _MATPLOTLIB not in environment and not _is_writable(_settings_of_matplotlib(environment)):
            folder = tempfile.TemporaryDirectory(prefix="sidewall-", ignore_cleanup_errors=True)
            environment[_MATPLOTLIB] = stack.enter_context(folder)
            stack.callback(environment.pop, _MATPLOTLIB)
        yield


def _has_scratch() -> bool:
    """Return whether there is a folder for scratch files; the current one, where users keep theirs, is none."""
    try:
        return Path(tempfile.gettempdir()) != Path.cwd()
    except FileNotFoundError:
        return False


def _settings_of_matplotlib(environment: MutableMapping[str, str]) -> Path | None:
    """Return the folder that matplotlib keeps its settings in; None for a user without a home."""
    named = environment.get("XDG_CONFIG_HOME")
    try:
        return (Path(named) if named else Path.home() / ".config") / "matplotlib"
    except RuntimeError:
        return None


def _is_writable(folder: Path | None) -> bool:
    """Return whether a folder can be written, or made where it is not."""
    if folder is None:
        return False
    try:
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    except OSError:
        return False
    return os.access(there, os.W_OK | os.X_OK)
