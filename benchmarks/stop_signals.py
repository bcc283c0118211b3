"""`python -m benchmarks.stop_signals`: a server is told to stop at random moments; how it ended, and how soon.

`loading` draws the moment between the start of the process and SERVING, `running` within cases that are being
analysed; SIGTERM and SIGINT take turns. What burns beside it makes the machine a loaded one.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final, Literal

import numpy as np
import sidewall
import typer
from rich.console import Console

from benchmarks.machine import describe_machine

Phase = Literal["loading", "running"]
_LIMIT_S: Final[dict[Phase, float]] = {"loading": 5.0, "running": 30.0}
"""In which a stop must have ended."""

_GIVEN_UP_S: Final = 120.0
_SHAPE: Final = (40, 320, 320)
_DIRECTION: Final = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
_GEOMETRY: Final = sidewall.Geometry(_SHAPE, (3.0, 0.7, 0.7), (-110.0, -110.0, 0.0), _DIRECTION, "uint16", True)
_BURNER: Final = "while True: pass"


@dataclass(frozen=True)
class Stop:
    """One stop."""

    number: str
    """Name of the signal."""

    after_s: float
    """From the start of the process, or of the case, to the signal."""

    status: int | None
    """None when the process had to be killed."""

    took_s: float
    """From the signal to the end of the process."""

    told: str
    """The last thing in the server's log, and how the call ended where there was one."""


@contextmanager
def burning(count: int) -> Iterator[None]:
    """Keep that many processes busy."""
    burners = [subprocess.Popen([sys.executable, "-c", _BURNER]) for _ in range(count)]
    try:
        yield
    finally:
        for each in burners:
            each.kill()
            each.wait()


@contextmanager
def server(bundle: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, and kill it at the end if it is still there."""
    command = [sys.executable, "-m", "runtime.start", "serve", "--bundle", str(bundle), "--listen", "127.0.0.1:0"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def entries(log: Path) -> list[dict[str, Any]]:
    """Return the log so far."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def address_of(log: Path) -> str:
    """Return the server's address once it serves; raises `TimeoutError`."""
    for _ in range(int(_GIVEN_UP_S / 0.05)):
        for entry in entries(log):
            if entry["event"] == "serving":
                return str(entry["address"])
        time.sleep(0.05)
    raise TimeoutError("the server does not serve")


def stop_while_loading(bundle: Path, log: Path, number: signal.Signals, after_s: float) -> Stop:
    """Start a server and stop it that long after."""
    with server(bundle, log) as process:
        time.sleep(after_s)
        return _stopped(process, log, number, after_s, lambda: "")


def stop_while_running(bundle: Path, log: Path, number: signal.Signals, after_s: float) -> Stop:
    """Start a server, send a case, and stop it that long after the case was accepted."""
    voxels = np.random.default_rng(0).integers(100, 600, _SHAPE).astype("<u2").tobytes()
    ended: list[str] = []
    running = threading.Event()
    with server(bundle, log) as process, sidewall.Client(address_of(log)) as client:

        def send() -> None:
            try:
                client.analyze_volume(voxels, _GEOMETRY, on_progress=lambda _: running.set())
                ended.append("answered")
            except sidewall.SidewallClientError as error:
                ended.append("handed back" if "hands the case back" in str(error) else str(error))
            running.set()

        caller = threading.Thread(target=send)
        caller.start()
        running.wait()
        time.sleep(after_s)

        def told() -> str:
            caller.join(10)
            return f", call {ended[0]}" if ended else ", call without an end"

        return _stopped(process, log, number, after_s, told)


def _stopped(process: subprocess.Popen[bytes], log: Path, number: signal.Signals, after_s: float, told: Any) -> Stop:
    if process.poll() is not None:
        raise RuntimeError(f"the server ended by itself: {log.read_text()}")
    process.send_signal(number)
    started_s = time.monotonic()
    try:
        status: int | None = process.wait(_GIVEN_UP_S)
    except subprocess.TimeoutExpired:
        status = None
    took_s = time.monotonic() - started_s
    last = [str(entry["event"]) for entry in entries(log)][-1:] or ["nothing"]
    return Stop(number.name, round(after_s, 3), status, round(took_s, 3), last[0] + told())


def summary(phase: Phase, stops: list[Stop]) -> dict[str, Any]:
    """Return what a report says of the stops."""
    times = sorted(stop.took_s for stop in stops)
    late = [vars(stop) for stop in stops if stop.took_s > _LIMIT_S[phase]]
    return {
        "stops": len(stops),
        "limit_s": _LIMIT_S[phase],
        "statuses": dict(Counter(str(stop.status) for stop in stops)),
        "ends": dict(Counter(f"{stop.number}: {stop.status}, log {stop.told}" for stop in stops)),
        "median_s": times[len(times) // 2],
        "longest_s": times[-1],
        "over_the_limit": late,
    }


def main(
    phase: Annotated[str, typer.Option(help="loading or running.")] = "loading",
    count: Annotated[int, typer.Option(help="How many stops.")] = 200,
    bundle: Annotated[Path, typer.Option(help="The bundle that is loaded.")] = Path("models/demo"),
    up_to_s: Annotated[float, typer.Option(help="Latest moment; 0 measures how long a start takes first.")] = 0.0,
    burners: Annotated[int, typer.Option(help="Processes that keep the machine busy beside.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    results: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("benchmarks/results"),
    name: Annotated[str, typer.Option(help="Of the report, in the place of PHASE.")] = "",
) -> None:
    """Stop a server many times, and write benchmarks/results/stop_signals_PHASE.json.

    SIDEWALL_* of the environment count for the server, and stand in the report.
    """
    chosen: Phase = "running" if phase == "running" else "loading"
    console, draw, stops = Console(stderr=True), Random(seed), list[Stop]()
    with burning(burners), tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        if up_to_s == 0.0:
            started_s = time.monotonic()
            with server(bundle, log):
                address_of(log)
            up_to_s = 30.0 if chosen == "running" else time.monotonic() - started_s
        stop_one = stop_while_running if chosen == "running" else stop_while_loading
        # Ctrl-C ends the run with what it has.
        with suppress(KeyboardInterrupt):
            for index in range(count):
                number = (signal.SIGTERM, signal.SIGINT)[index % 2]
                stops.append(stop_one(bundle, log, number, draw.uniform(0.0, up_to_s)))
                console.print(f"{index + 1}/{count}", stops[-1])
    report = {
        "command": f"python -m benchmarks.stop_signals --phase {chosen} --count {count} --burners {burners}",
        "machine": describe_machine() | {"load_1_min": round(os.getloadavg()[0], 1)},
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith("SIDEWALL_")},
        "moments_up_to_s": round(up_to_s, 1),
        **summary(chosen, stops),
    }
    text = json.dumps(report, indent=2)
    (results / f"stop_signals_{name or chosen}.json").write_text(text + "\n", encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)
