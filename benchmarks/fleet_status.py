"""`python -m benchmarks.fleet_status`: how long `sidewall-fleet status` takes for many simulated boxes.

Every box has a key of its own and leaves a signed status in a folder, or in a registry (`--inventory oci:HOST/NAME`).
What is timed is the whole command with its page, from the start of Python to its end.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.machine import describe_machine
from fleet.channels.keys import key_of, make_key_pair, read_public_key, signer_of, write_public_key
from fleet.channels.office import Office
from fleet.inventory.overview import FOLDER, enrol
from fleet.inventory.status import COMPONENTS, BoxStatus, Running, seal
from fleet.stores.opening import opened_store
from trust.registry.access import RegistryAccess

_RINGS: Final = ("canary", "early", "all")


def make_office(folder: Path) -> Path:
    """Make an office with two signers of each part and return its folder."""
    for name in ("root", "anna", "ben"):
        make_key_pair(folder / f"{name}.pem")
    make_key_pair(folder / "fleet" / "office.pem")
    people = [key_of(read_public_key(folder / f"{name}.pem.pub")) for name in ("anna", "ben")]
    own = signer_of(folder / "fleet" / "office.pem")
    Office.create(folder / "fleet", [signer_of(folder / "root.pem")], own, {"release": people, "model": people})
    return folder / "fleet"


def make_box(name: str, number: int, now: datetime) -> BoxStatus:
    """Return the status of one simulated box in good order."""
    digest = f"sha256:{number % 10:064d}"
    return BoxStatus(
        box=name,
        ring=_RINGS[min(number // 10, 2)],
        written_at=now,
        agent_version="0.1.0",
        running={each: Running(digest, "1.4.0", now - timedelta(days=3)) for each in COMPONENTS},
        failed=(),
        self_test_passed=True,
        queue_oldest_s=float(number % 600),
        audit_entry=1000 + number,
        audit_digest=f"{number:064x}",
        drift_ratio=0.4,
        certificate_days=200.0,
        disk_free_bytes=60 << 30,
        disk_bytes=100 << 30,
        silent=(),
    )


def measure(boxes: int, repeats: int, inventory: str | None) -> dict[str, Any]:
    """Return the seconds of every run, and the bytes of all statuses together."""
    with tempfile.TemporaryDirectory() as scratch:
        office = make_office(Path(scratch))
        where = inventory or f"{scratch}/inventory"
        now, size = datetime.now(UTC), 0
        with opened_store(where, RegistryAccess(plain_http=True)) as store:
            for number in range(boxes):
                name, key = f"box-{number:04d}", Ed25519PrivateKey.generate()
                write_public_key(Path(scratch) / "box.pub", key)
                enrol(office, name, Path(scratch) / "box.pub")
                content = seal(make_box(name, number, now), key)
                store.write(f"{FOLDER}/{name}.json", content)
                size += len(content)
        page = f"{scratch}/page.html"
        command = [sys.executable, "-m", "fleet", "status", where, "--fleet", str(office), "--page", page, "--json"]
        command += ["--registry-plain-http"] if inventory else []
        durations_s, processor_s = [], []
        for _ in range(repeats):
            start_s, used_s = time.perf_counter(), _used_s()
            shown = subprocess.run(command, capture_output=True, check=True)
            durations_s.append(round(time.perf_counter() - start_s, 2))
            processor_s.append(round(_used_s() - used_s, 2))
            if len(json.loads(shown.stdout)["boxes"]) != boxes:
                raise RuntimeError("not every box was shown")
    times = {"median_s": median(durations_s), "all_s": durations_s, "median_processor_s": median(processor_s)}
    return {"boxes": boxes, **times, "bytes": size}


def _used_s() -> float:
    """Return the processor time of all commands so far: what other work on the machine does not change much."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(
    boxes: Annotated[int, typer.Option(min=1, help="How many boxes.")] = 1000,
    repeats: Annotated[int, typer.Option(min=1, help="How many runs.")] = 5,
    inventory: Annotated[str | None, typer.Option(help="oci:HOST:PORT/NAME of a registry of this machine.")] = None,
) -> None:
    """Measure and print JSON."""
    found = measure(boxes, repeats, inventory)
    typer.echo(json.dumps({"machine": describe_machine(), "inventory": inventory or "folder", **found}, indent=2))


if __name__ == "__main__":
    typer.run(main)
