"""What happens to a gateway in practice, done to one that is soaked: senders, a PACS, kills, a full disk, a clock."""

import queue
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import FileDataset
from pynetdicom import AE

from tests.fixtures.gateways import GatewayPlace, Process, log_of, recording_node
from tests.fixtures.sending import send

_PACS_CYCLE_S: Final = 9.0
PAUSE_S: Final = (0.5, 3.0)
"""Between kills."""

FILLED_S: Final = 4.0

_CUTS: Final = 0.15
"""Share of associations that are cut in the middle."""

_CLOCK_S: Final = 1800.0
"""By how much the clock is set at most, to and fro."""

_SETTINGS: Final = {
    "SIDEWALL_GATEWAY_QUIET_S": "86400",
    "SIDEWALL_GATEWAY_RETRY_MIN": "0.02",
    "SIDEWALL_GATEWAY_MIN_FREE_MIB": "4",
}


@dataclass
class Happened:
    """What was done to the gateway, and what came out of it."""

    acknowledged: set[str] = field(default_factory=set)
    """SOP Instance UIDs."""

    sends: Counter[str] = field(default_factory=Counter)
    digests: dict[str, set[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Box:
    """Gateway and engine, which are killed and started again."""

    def __init__(self, place: GatewayPlace, answer: Path, engine_port: int, happened: Happened) -> None:
        self._place, self._answer, self._engine_port, self.happened = place, answer, engine_port, happened
        self._lock = threading.RLock()
        self._engine: subprocess.Popen[bytes] | None = None
        self._gateway: Process | None = None
        self._served = 0
        self.settings = dict(_SETTINGS)

    def keep_up(self) -> None:
        """Start what does not run."""
        with self._lock:
            if self._engine is None or self._engine.poll() is not None:
                command = [sys.executable, "-m", "tests.fixtures.replaying_engine"]
                self._engine = subprocess.Popen([*command, str(self._answer), str(self._engine_port), "0.2"])
            if self._gateway is None or self._gateway.poll() is not None:
                self.happened.counts["starts of the gateway"] += 1
                self._served = len(self._ports())
                self._gateway = self._place.start(settings=self.settings)

    def port(self) -> int | None:
        """Return the port of the gateway; None while it is down."""
        with self._lock:
            ports = self._ports()
            return ports[-1] if len(ports) > self._served else None

    def kill(self, what: str) -> None:
        """Kill one of them, or both."""
        with self._lock:
            self.happened.counts[f"kills of {what}"] += 1
            if self._gateway is not None and what != "the engine":
                self._gateway.kill()
                self._gateway.wait(60)
            if self._engine is not None and what != "the gateway":
                self._engine.kill()
                self._engine.wait(60)

    def stop(self) -> None:
        """Stop the gateway as a service manager does, and the engine."""
        with self._lock:
            if self._gateway is not None:
                self._gateway.terminate()
                self._gateway.wait(60)
            if self._engine is not None:
                self._engine.kill()
                self._engine.wait(60)

    def _ports(self) -> list[int]:
        return [entry["port"] for entry in log_of(self._place.folder) if entry["event"] == "serving"]


def trouble(box: Box, disk: Path | None, kills: int, dice: random.Random, folder: Path, end_s: float) -> None:
    """Do everything to the box that happens to boxes, as often as it is to be."""
    fills = {kills // 3, 2 * kills // 3}
    for number in range(kills):
        pause_s = dice.uniform(*PAUSE_S)
        while pause_s > 0 and time.monotonic() < end_s:
            box.keep_up()
            time.sleep(0.1)
            pause_s -= 0.1
        if disk is not None and number in fills:
            _fill(disk, box)
        box.kill(dice.choice(("the gateway", "the gateway", "the engine", "both")))
        (folder / "clock").write_text(str(dice.uniform(-_CLOCK_S, _CLOCK_S)))
        box.happened.counts["clock set"] += 1
    box.keep_up()


def _fill(disk: Path, box: Box) -> None:
    """Fill the disk for some seconds, while everything goes on."""
    box.happened.counts["disk filled"] += 1
    filler = disk / "of_others"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1 << 16))
    end_s = time.monotonic() + FILLED_S
    while time.monotonic() < end_s:
        box.keep_up()
        time.sleep(0.2)
    filler.unlink()


def send_all(
    todo: "queue.Queue[list[FileDataset]]",
    box: Box,
    happened: Happened,
    seed: int,
    pause_s: float,
    is_over: threading.Event,
) -> None:
    """Be a scanner: send study after study, each until all of it is acknowledged, with pauses of that mean."""
    dice = random.Random(seed)
    while not is_over.wait(dice.uniform(0, 2 * pause_s)):
        try:
            left = todo.get_nowait()
        except queue.Empty:
            return
        while left and not is_over.is_set():
            port = box.port()
            if port is None:
                time.sleep(0.1)
                continue
            cut = dice.random() < _CUTS
            happened.counts["connections cut"] += cut
            statuses = _send_and_cut(port, left, dice.uniform(0.02, 0.3)) if cut else send(port, left)
            taken = [each for each, status in zip(left, statuses, strict=True) if status == 0x0000]
            happened.acknowledged.update(str(each.SOPInstanceUID) for each in taken)
            happened.counts["refused for want of room"] += statuses.count(0xA700)
            left = [each for each, status in zip(left, statuses, strict=True) if status != 0x0000]
            if left:
                time.sleep(dice.uniform(0.05, 0.3))


def _send_and_cut(port: int, datasets: list[FileDataset], after_s: float) -> list[int | None]:
    """Send on one association whose connection is cut after a while."""
    entity = AE("MR1")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    entity.add_requested_context(datasets[0].SOPClassUID, datasets[0].file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title="SIDEWALL")
    connection: Any = association.dul.socket
    cutting = threading.Timer(after_s, _cut, (connection,))
    cutting.start()
    statuses: list[int | None] = []
    with suppress(RuntimeError, ValueError):
        for each in datasets:
            if not association.is_established:
                break
            statuses.append(association.send_c_store(each).get("Status"))
            if statuses[-1] is None:
                break
    cutting.join()
    return statuses + [None] * (len(datasets) - len(statuses))


def _cut(connection: Any) -> None:
    with suppress(OSError, AttributeError):
        connection.socket.shutdown(socket.SHUT_RDWR)


def be_pacs(port: int, happened: Happened, is_over: threading.Event) -> None:
    """Be there for two thirds of the time, and count."""
    while not is_over.is_set():
        with recording_node(port=port) as node:
            is_over.wait(_PACS_CYCLE_S * 2 / 3)
        happened.sends.update(node.sends)
        for uid, digests in node.digests.items():
            happened.digests.setdefault(uid, set()).update(digests)
        happened.counts["times that the PACS was down"] += 1
        is_over.wait(_PACS_CYCLE_S / 3)
