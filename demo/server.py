"""The real server in its own process, from start to SIGTERM."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 900.0
"""Loading takes seconds; a machine that is busy with something else may take minutes."""

_GRACE_S = 60.0


class ServerFailed(RuntimeError):
    """The server ended before it served, or not with status 0."""


@contextmanager
def running_server(bundle: Path, log_file: Path) -> Iterator[str]:
    """Start `sidewall serve` on a free port and yield its address once it serves; stop it with SIGTERM afterwards.

    Raises `ServerFailed` with the end of its log.
    """
    sidewall = Path(sys.executable).parent / "sidewall"
    command = [str(sidewall), "serve", "--bundle", str(bundle), "--listen", "127.0.0.1:0"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        yield _wait_until_serving(process, log_file)
    finally:
        status = _stop(process)
    if status != 0:
        raise ServerFailed(f"the server ended with status {status}: {_last_words(log_file)}")


def _stop(process: subprocess.Popen[bytes]) -> int:
    """End the server and return its status; one that does not end in time is killed."""
    process.terminate()
    try:
        return process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _wait_until_serving(process: subprocess.Popen[bytes], log_file: Path) -> str:
    deadline_s = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline_s:
        for line in log_file.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and line.endswith("}") and (entry := json.loads(line))["event"] == "serving":
                return str(entry["address"])
        time.sleep(0.1)
    state = "ended before it served" if process.poll() is not None else f"was still loading after {_PATIENCE_S:.0f} s"
    raise ServerFailed(f"the server {state}: {_last_words(log_file)}")


def _last_words(log_file: Path) -> str:
    return log_file.read_text(encoding="utf-8")[-500:].strip() or "its log is empty"
