"""`python -m benchmarks.gateway_soak`: many studies through a gateway to which all happens that happens in practice.

Eight senders; kill -9 of the gateway, the engine, or both; a PACS that is down a third of the time; a disk that fills
twice; connections cut in the middle of an instance; a clock that is set. At the end each study must have ended once,
every acknowledged instance be accounted for, every object have arrived unchanged, and, once its terms are over, no file
be left.

The engine is a stand-in that answers by replay, and the PACS counts what it is sent. Ends with status 1 where anything
is not as it must be.
"""

import json
import os
import queue
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Final

import sidewall
import typer
from pydicom.dataset import FileDataset
from rich.console import Console
from rich.table import Table
from sidewall.case_folder import save_case
from sqlalchemy import select

from benchmarks.machine import describe_machine
from benchmarks.soak_troubles import FILLED_S, PAUSE_S, Box, Happened, be_pacs, send_all, trouble
from gateway.ledger import history
from gateway.ledger.outbox import of_study
from gateway.ledger.schema import instances
from tests.fixtures.forked_gateways import CLOCK_VARIABLE, Forker
from tests.fixtures.gateways import GatewayPlace
from tests.fixtures.processes import make_bundle, running_server
from tests.fixtures.sending import renamed_study
from tests.fixtures.tiny_series import write_tiny_series

_SENDERS: Final = 8
_SPARE_MIB: Final = 64
_ARTEFACTS: Final = ("findings.json", "report.dcm", "segmentation.dcm", "key_objects.dcm", "captures/")
"""What is sent on, and findings; the pages for people would be most of the disk."""

_OVER: Final = {f"SIDEWALL_GATEWAY_{each}_DAYS": "0" for each in ("SPOOL", "CASE", "FAILED")}
_SITE: Final = """
[[engine]]
address = "127.0.0.1:{engine}"
parallel = 2

[[destination]]
name = "pacs"
host = "127.0.0.1"
port = {pacs}
ae_title = "RECORDER"
confirm = "none"
timeout_s = 5

[[rule]]
name = "all"
early_series = "*"
deliver = [{{ to = "pacs" }}]
"""


def soak(studies: int, kills: int, limit_s: float, seed: int, folder: Path) -> dict[str, Any]:
    """Do it, and return what happened."""
    dice, happened = random.Random(seed), Happened()
    series = write_tiny_series(folder / "series")
    answer = _real_answer(series, folder)
    wanted = [_study(series) for _ in range(studies)]
    is_over = threading.Event()
    started_s = time.monotonic()
    with ExitStack() as stack:
        forker = Forker()
        stack.callback(forker.close)
        place = GatewayPlace(folder / "box", {CLOCK_VARIABLE: str(folder / "clock")}, forker)
        place.folder.mkdir()
        (folder / "clock").write_text("0")
        disk = stack.enter_context(_small_disk(place.spool, _SPARE_MIB + studies * _needed_mib(series, answer)))
        pacs, engine = _free_port(), _free_port()
        place.write_site(_SITE.format(engine=engine, pacs=pacs))
        box = Box(place, answer, engine, happened)
        stack.callback(place.end)
        stack.callback(box.stop)
        box.keep_up()
        todo: queue.Queue[list[FileDataset]] = queue.Queue()
        for each in wanted:
            todo.put(each)
        # So that studies come all the while.
        pause_s = (kills * sum(PAUSE_S) / 2 + 2 * FILLED_S) * _SENDERS / studies / 1.5
        threads = [
            threading.Thread(target=send_all, args=(todo, box, happened, seed + number, pause_s, is_over), daemon=True)
            for number in range(_SENDERS)
        ]
        threads.append(threading.Thread(target=be_pacs, args=(pacs, happened, is_over), daemon=True))
        for thread in threads:
            thread.start()
        trouble(box, disk, kills, dice, folder, started_s + limit_s)
        _wait_for_end(box, place, wanted, happened, started_s + limit_s)
        is_over.set()
        for thread in threads:
            thread.join(120)
        _check(place, wanted, happened)
        _let_terms_end(box, place, happened)
    return {
        "studies": studies,
        "kills": kills,
        "seconds": round(time.monotonic() - started_s),
        "acknowledged": len(happened.acknowledged),
        "objects": len(happened.sends),
        "sent more than once": sum(count > 1 for count in happened.sends.values()),
        "disk filled": happened.counts["disk filled"] if disk else "not tried: no disk can be mounted here",
        "counts": dict(sorted(happened.counts.items())),
        "faults": happened.faults,
    }


def _wait_for_end(
    box: Box, place: GatewayPlace, wanted: list[list[FileDataset]], happened: Happened, end_s: float
) -> None:
    """Keep everything up until each study has ended."""
    while time.monotonic() < end_s:
        box.keep_up()
        if box.port() is not None:
            ended = [each for each in place.studies() if str(each.state) in ("delivered", "failed", "refused")]
            if len(ended) >= len(wanted):
                return
        time.sleep(0.5)
    happened.faults.append("not every study had ended in time")


def _check(place: GatewayPlace, wanted: list[list[FileDataset]], happened: Happened) -> None:
    """Hold what there is against what must be."""
    rows = place.studies()
    happened.counts.update(Counter(f"studies {each.state}" for each in rows))
    ends = Counter((each.study_uid, str(each.state)) for each in rows)
    if ends != Counter((str(each[0].StudyInstanceUID), "delivered") for each in wanted):
        happened.faults.append("not every study was delivered once")
    ledger = place.ledger()
    with ledger.read() as connection:
        fault = history.first_fault(connection)
        known = {row.sop_uid: row.path for row in connection.execute(select(instances.c.sop_uid, instances.c.path))}
        outbox = [each for row in rows for each in of_study(connection, row.id)]
    ledger.close()
    if fault:
        happened.faults.append(f"chain of changes: {fault}")
    lost = [uid for uid in happened.acknowledged if uid not in known or not (place.spool / known[uid]).is_file()]
    if lost:
        happened.faults.append(f"{len(lost)} acknowledged instances are lost")
    if len(happened.acknowledged) != sum(map(len, wanted)):
        happened.faults.append(f"{len(happened.acknowledged)} instances were acknowledged")
    if {each.sop_uid for each in outbox} != set(happened.sends):
        wanted_ones, came = {each.sop_uid for each in outbox}, set(happened.sends)
        missing, others = len(wanted_ones - came), len(came - wanted_ones)
        happened.faults.append(f"of what was to be sent {missing} objects never came; {others} others did")
    if any(len(each) > 1 for each in happened.digests.values()):
        happened.faults.append("an object arrived with two contents")


def _let_terms_end(box: Box, place: GatewayPlace, happened: Happened) -> None:
    """Start with terms that are over, and see that no file is left."""
    box.stop()
    box.settings |= _OVER
    box.keep_up()
    end_s = time.monotonic() + 120
    left = _files(place)
    while left and time.monotonic() < end_s:
        time.sleep(0.5)
        left = _files(place)
    if left:
        happened.faults.append(f"{len(left)} files are left over, such as {left[0].name}")


def _files(place: GatewayPlace) -> list[Path]:
    """Return what lies in the spool, while it is being taken away."""
    walks = [os.walk(place.spool / name) for name in ("incoming", "instances", "cases")]
    return [Path(folder) / name for walk in walks for folder, _, names in walk for name in names]


def _study(series: list[Path]) -> list[FileDataset]:
    return renamed_study(series, SeriesDescription="T2", ImagesInAcquisition=str(len(series)))


def _needed_mib(series: list[Path], answer: Path) -> int:
    """Return what a study with its results takes, MiB."""
    files = [*series, *(each for each in answer.rglob("*") if each.is_file())]
    # Whole pages, and the folder beside it while a result is written.
    return ceil(1.25 * sum(each.stat().st_size for each in files) / (1 << 20))


def _real_answer(series: list[Path], folder: Path) -> Path:
    """Return the case folder of a real engine's answer, for the stand-in to replay."""
    (folder / "engine").mkdir()
    with (
        running_server(make_bundle(folder / "engine"), folder / "engine") as server,
        sidewall.Client(server.address) as client,
    ):
        options = sidewall.CaseOptions(artefacts=_ARTEFACTS)
        save_case(client.analyze_series(series, options=options).artefacts, folder / "answer")
    return folder / "answer"


@contextmanager
def _small_disk(place: Path, size_mib: int) -> Iterator[Path | None]:
    """Mount a disk in memory on a new folder, and give it; None where that is not possible."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def main(
    studies: Annotated[int, typer.Option(min=1, help="How many.")] = 30,
    kills: Annotated[int, typer.Option(min=0, help="Of gateway, engine or both.")] = 15,
    limit_min: Annotated[float, typer.Option(min=1, help="Longest time, min.")] = 6.0,
    seed: Annotated[int, typer.Option(help="Of what happens, and when.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON; default: nowhere.")] = None,
) -> None:
    """Soak a gateway and tell what came of it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = soak(studies, kills, limit_min * 60, seed, Path(folder))
    table = Table("", "", title="Gateway, soaked", show_header=False)
    rows = {name: value for name, value in found.items() if name != "counts"} | found["counts"]
    for name, value in rows.items():
        table.add_row(name, ", ".join(value) if isinstance(value, list) else str(value))
    Console(stderr=True).print(table)
    if out is not None:
        command = f"python -m benchmarks.gateway_soak --studies {studies} --kills {kills} --seed {seed}"
        figures = {"command": command, "machine": describe_machine(), **found}
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    raise typer.Exit(1 if found["faults"] else 0)


if __name__ == "__main__":
    typer.run(main)
