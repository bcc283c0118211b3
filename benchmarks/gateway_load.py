"""`python -m benchmarks.gateway_load`: instances of 320 x 320 a second into a gateway, with fsync and commit.

Real senders (dcmtk's storescu) on loopback, one and eight at once; then, for `--mixed-s`, 16 associations of pynetdicom
that time every C-STORE beside 8 callers of the engine over gRPC. The time that the disk takes to sync a file of that
size alone is measured beside: it bounds one sender, who waits for three syncs an instance.
"""

import asyncio
import json
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any, Final

import pydicom
import sidewall
import typer
from pydicom.uid import generate_uid
from pynetdicom import AE
from rich.console import Console
from sqlalchemy import func, select

from benchmarks.gateway_trials import taken_by, write_slices
from benchmarks.machine import describe_machine
from gateway.ledger.schema import instances
from tests.fixtures.gateways import GatewayPlace, running_gateway
from tests.fixtures.processes import make_bundle, running_server
from tests.fixtures.tiny_series import write_tiny_series

_ASSOCIATIONS: Final = 16
_CALLERS: Final = 8
_SYNCS: Final = 50
_SETTINGS: Final = {"SIDEWALL_GATEWAY_QUIET_S": "86400"}
_MIXED: Final = {"SIDEWALL_GATEWAY_QUIET_S": "10", "SIDEWALL_GATEWAY_MAX_ASSOCIATIONS": str(2 * _ASSOCIATIONS)}
"""Studies end, as they do anywhere; and whoever has just released an association is not in the way of the next one."""


def rate(senders: int, each: int, folder: Path) -> dict[str, Any]:
    """Send from so many storescu at once, and return the rate and what it took."""
    source = write_tiny_series(folder / "series")[0]
    studies = [write_slices(source, folder / f"study{number}", each) for number in range(senders)]
    place = GatewayPlace(folder)
    place.write_site("")
    with running_gateway(place, **_SETTINGS) as gateway:
        before, load, syncs = taken_by(gateway.process.pid), os.getloadavg()[0], sync_ms(folder, studies[0][0])
        started_s = time.perf_counter()
        command = ["storescu", "-aec", "SIDEWALL", "127.0.0.1", str(gateway.port), "+sd"]
        processes = [subprocess.Popen([*command, str(files[0].parent)]) for files in studies]
        statuses = [process.wait() for process in processes]
        took_s = time.perf_counter() - started_s
        after = taken_by(gateway.process.pid)
    count = senders * each
    if any(statuses) or _known(place) != count:
        raise SystemExit(f"of {count} instances {_known(place)} are there; storescu ended with {statuses}")
    return {
        "senders": senders,
        "instances": count,
        "instances_per_s": round(count / took_s, 1),
        "gateway_processor_ms_per_instance": round(1e3 * (after.processor_s - before.processor_s) / count, 2),
        "sync_of_one_file_ms": syncs,
        "load_average_before": round(load, 1),
        "memory_mib": after.memory_mib,
    }


def sync_ms(folder: Path, like: Path) -> float:
    """Return the median time that writing and syncing a file of that size takes, ms."""
    content, times = like.read_bytes(), []
    for _ in range(_SYNCS):
        started_s = time.perf_counter()
        with (folder / "synced").open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        times.append(time.perf_counter() - started_s)
    return round(1e3 * median(times), 2)


def mixed(duration_s: float, folder: Path) -> dict[str, Any]:
    """Have 16 associations send and 8 callers ask the engine for so long; return how long each waited."""
    series = write_tiny_series(folder / "series")
    files = write_slices(series[0], folder / "study", 20)
    (folder / "engine").mkdir()
    place = GatewayPlace(folder)
    place.write_site("")
    with (
        running_server(make_bundle(folder / "engine"), folder / "engine") as engine,
        running_gateway(place, **_MIXED) as gateway,
        multiprocessing.get_context("spawn").Pool(_ASSOCIATIONS) as pool,
    ):
        # One caller has at most eight associations at the same time: each of these is a scanner of its own.
        titles = [f"MR{number}" for number in range(_ASSOCIATIONS)]
        first = pool.map_async(_send_for, [(gateway.port, title, files, 5.0) for title in titles]).get()
        before = taken_by(gateway.process.pid)
        sending = pool.map_async(_send_for, [(gateway.port, title, files, duration_s) for title in titles])
        called_ms, busy = asyncio.run(_call_for(engine.address, series, duration_s))
        stored = sending.get()
        after = taken_by(gateway.process.pid)
    stored_ms = [each for times, _ in stored for each in times]
    acknowledged = sum(len(times) for times, _ in (*first, *stored))
    refused = sum((why for _, why in (*first, *stored)), Counter[str]())
    return {
        "seconds": duration_s,
        "acknowledged": acknowledged,
        "in_the_ledger": _known(place),
        "not_acknowledged": dict(refused),
        "instances_per_s": round(len(stored_ms) / duration_s, 1),
        "c_store_ms": _spread(stored_ms),
        "engine_call_ms": _spread(called_ms),
        "engine_calls_told_busy": busy,
        "memory_mib_first_and_last": [before.memory_mib, after.memory_mib],
        "threads_first_and_last": [before.threads, after.threads],
    }


def _send_for(wanted: tuple[int, str, Sequence[Path], float]) -> tuple[list[float], Counter[str]]:
    """Send studies of 20, one association each, for so long; return ms of each that was taken, and why the rest not."""
    port, title, files, duration_s = wanted
    datasets = [pydicom.dcmread(each) for each in files]
    entity = AE(title)
    entity.add_requested_context(datasets[0].SOPClassUID, datasets[0].file_meta.TransferSyntaxUID)
    times, refused, end_s = [], Counter[str](), time.monotonic() + duration_s
    while time.monotonic() < end_s:
        association = entity.associate("127.0.0.1", port, ae_title="SIDEWALL")
        study = generate_uid()
        for dataset in datasets:
            dataset.StudyInstanceUID = study
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            started_s = time.perf_counter()
            if not association.is_established:
                refused["association rejected" if association.is_rejected else "no association"] += 1
                break
            status = association.send_c_store(dataset).get("Status")
            if status != 0x0000:
                refused["no answer" if status is None else f"status {status:04X}"] += 1
                break
            times.append(1e3 * (time.perf_counter() - started_s))
        if association.is_established:
            association.release()
    return times, refused


async def _call_for(address: str, series: Sequence[Path], duration_s: float) -> tuple[list[float], int]:
    """Ask the engine from 8 callers for so long; return ms for each answer, and how often it was busy."""
    times: list[float] = []
    end_s, busy = time.monotonic() + duration_s, 0

    async def call() -> None:
        nonlocal busy
        while time.monotonic() < end_s:
            started_s = time.perf_counter()
            try:
                await client.analyze_series(list(series), options=sidewall.CaseOptions(priority="urgent"))
                times.append(1e3 * (time.perf_counter() - started_s))
            except sidewall.ServerBusy:
                busy += 1
                await asyncio.sleep(0.2)

    async with sidewall.AsyncClient(address) as client:
        await asyncio.gather(*(call() for _ in range(_CALLERS)))
    return times, busy


def _known(place: GatewayPlace) -> int:
    ledger = place.ledger()
    try:
        with ledger.read() as connection:
            return connection.execute(select(func.count()).select_from(instances)).scalar_one()
    finally:
        ledger.close()


def _spread(times_ms: list[float]) -> dict[str, float]:
    if len(times_ms) < 2:
        return {"count": len(times_ms)}
    parts = quantiles(times_ms, n=100)
    return {"count": len(times_ms), "p50": round(parts[49], 1), "p99": round(parts[98], 1)}


def main(
    each: Annotated[int, typer.Option(min=1, help="Instances of one sender.")] = 200,
    mixed_s: Annotated[float, typer.Option(min=0, help="How long the mixed load lasts, s; 0 leaves it out.")] = 60,
    folder: Annotated[Path | None, typer.Option(help="On the disk that is measured; default: a temporary one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON; default: nowhere.")] = None,
) -> None:
    """Measure what a gateway takes."""
    if shutil.which("storescu") is None:
        raise typer.BadParameter("storescu (Debian package dcmtk) is not installed")
    found: dict[str, Any] = {"command": f"python -m benchmarks.gateway_load --each {each} --mixed-s {mixed_s:g}"}
    found["machine"] = describe_machine()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for senders in (1, 8):
            (Path(place) / str(senders)).mkdir()
            found[f"senders_{senders}"] = rate(senders, each, Path(place) / str(senders))
        if mixed_s:
            (Path(place) / "mixed").mkdir()
            found["mixed"] = mixed(mixed_s, Path(place) / "mixed")
    text = json.dumps(found, indent=2)
    Console().print_json(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
