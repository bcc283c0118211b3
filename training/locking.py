"""One writer at a time: locks on the parts of a work folder, which say who holds them and end with their process."""

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from base.errors import SidewallError
from training.workspace import Workspace

_DATASET: Final = "dataset.lock"
_RUN: Final = "run.lock"


class Busy(SidewallError):
    """Another command works on the same part of a work folder."""

    code = "work_taken"


@contextlib.contextmanager
def preparing(workspace: Workspace) -> Iterator[None]:
    """Hold the dataset, and this configuration of it, for `prepare` alone; raises `Busy`.

    A training of another configuration goes on meanwhile: it reads nothing that this one writes.
    """
    with (
        _held(workspace.raw / _DATASET, "prepare", exclusive=True),
        _held(_configuration(workspace), "prepare", exclusive=True),
    ):
        yield


@contextlib.contextmanager
def reading(workspace: Workspace, command: str) -> Iterator[None]:
    """Keep `prepare` off this configuration while a command reads its cases; raises `Busy` while that one works."""
    with _held(_configuration(workspace), command, exclusive=False):
        yield


@contextlib.contextmanager
def training(workspace: Workspace, outputs: list[Path]) -> Iterator[None]:
    """Hold the folders of runs for one `fit`, and this configuration against `prepare`; raises `Busy`."""
    with contextlib.ExitStack() as held:
        held.enter_context(reading(workspace, "fit"))
        for output in outputs:
            held.enter_context(_held(output.with_name(f"{output.name}.{_RUN}"), "fit", exclusive=True))
        yield


def _configuration(workspace: Workspace) -> Path:
    return workspace.preprocessed / f"{workspace.plans_name}.lock"


@contextlib.contextmanager
def _held(path: Path, command: str, *, exclusive: bool) -> Iterator[None]:
    """Hold a lock; the kernel lets go of it with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise Busy(f"{_owner(file.read())}; allowed: one at a time, so wait for its end") from error
        _sign(file, command)
        yield


def _sign(file: TextIO, command: str) -> None:
    """Write who holds the lock; of several readers the last one stands there."""
    owner = {
        "command": command,
        "pid": os.getpid(),
        "host": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    file.truncate(0)
    file.write(json.dumps(owner))
    file.flush()


def _owner(text: str) -> str:
    try:
        owner = json.loads(text)
        return "{command} (process {pid} on {host}, since {since}) works on the same data".format(**owner)
    except (ValueError, KeyError, TypeError):
        return "another command works on the same data"
