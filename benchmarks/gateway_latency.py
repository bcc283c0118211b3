"""`python -m benchmarks.gateway_latency`: from a study's last slice to its report in a PACS.

A series is sent by C-STORE to a real gateway with a real engine (on a bundle that computes in no time), and Orthanc is
asked until it has the SR. Of that time the quiet time and the engine's are taken off, as the gateway's ledger has them:
what is left is the gateway's own.
"""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from pydicom.dataset import FileDataset
from rich.console import Console

from benchmarks.machine import describe_machine
from gateway.ledger import history
from gateway.ledger.states import StudyState
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway, wait_for
from tests.fixtures.processes import make_bundle, running_server
from tests.fixtures.sending import renamed_study, send
from tests.fixtures.tiny_series import write_tiny_series
from tests.integration.orthanc import AE_TITLE, Orthanc, find_orthanc, running_orthanc

_QUIET_S: Final = 2.0
_AIM_S: Final = 3.0
"""What the gateway may add to the quiet time and the engine's."""

_PATIENCE_S: Final = 300.0
_SITE: Final = """
[[engine]]
address = "{engine}"
[[destination]]
name = "pacs"
host = "127.0.0.1"
port = {port}
ae_title = "{ae_title}"
confirm = "none"
[[rule]]
name = "all"
deliver = [{{ to = "pacs" }}]
"""


@dataclass(frozen=True)
class Passed:
    """Where the time of one study went, s."""

    from_last_slice_to_report: float
    engine: float
    """From the engine being asked to its answer lying in the case folder, proved."""

    gateway: float
    """What is left without the quiet time and the engine's."""

    to_be_complete: float
    """Of that: from the end of the quiet time to the decision that the study is complete."""

    to_be_asked_for: float
    """From there to the engine being asked."""

    to_arrive: float
    """From the answer to the report in the PACS."""


def pass_one(place: GatewayPlace, gateway: RunningGateway, orthanc: Orthanc, study: Sequence[FileDataset]) -> Passed:
    """Send a study and return where its time went."""
    statuses = send(gateway.port, study)
    sent_s = time.time()
    if set(statuses) != {0x0000}:
        raise SystemExit(f"not every instance was acknowledged: {statuses}")
    uid = str(study[0].StudyInstanceUID)
    query = json.dumps({"Level": "Instance", "Query": {"StudyInstanceUID": uid, "Modality": "SR"}}).encode()
    wait_for(lambda: bool(json.loads(orthanc.request("/tools/find", body=query))), place.describe, _PATIENCE_S)
    seen_s = time.time()
    at = _times(place, uid)
    engine_s = at[StudyState.ANSWERED] - at[StudyState.ANALYSING]
    return Passed(
        round(seen_s - sent_s, 2),
        round(engine_s, 2),
        round(seen_s - sent_s - _QUIET_S - engine_s, 2),
        round(at[StudyState.WAITING] - sent_s - _QUIET_S, 2),
        round(at[StudyState.ANALYSING] - at[StudyState.WAITING], 2),
        round(seen_s - at[StudyState.ANSWERED], 2),
    )


def _times(place: GatewayPlace, study_uid: str) -> dict[str, float]:
    """Return when a study came into each state, s since 1970."""
    (study,) = [each for each in place.studies() if each.study_uid == study_uid]
    ledger = place.ledger()
    try:
        with ledger.read() as connection:
            return {each.becomes: each.at for each in history.entries_of(connection, study.subject)}
    finally:
        ledger.close()


def measure(studies: int, folder: Path) -> list[Passed]:
    """Pass so many studies, one after the other, and one before them that counts for nothing."""
    program = find_orthanc()
    if program is None:
        raise typer.BadParameter("Orthanc (Debian package orthanc) is not installed")
    series = write_tiny_series(folder / "series")
    (folder / "engine").mkdir()
    (folder / "orthanc").mkdir()
    place = GatewayPlace(folder)
    with (
        running_orthanc(program, folder / "orthanc") as orthanc,
        running_server(make_bundle(folder / "engine"), folder / "engine") as engine,
    ):
        place.write_site(_SITE.format(engine=engine.address, port=orthanc.dicom_port, ae_title=AE_TITLE))
        with running_gateway(place, SIDEWALL_GATEWAY_QUIET_S=f"{_QUIET_S:g}") as gateway:
            found = [pass_one(place, gateway, orthanc, renamed_study(series)) for _ in range(studies + 1)]
    return found[1:]


def main(
    studies: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON; default: nowhere.")] = None,
) -> None:
    """Measure the gateway's own part of the time to a report."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        passed = measure(studies, Path(folder))
    own_s = [each.gateway for each in passed]
    found = {
        "command": f"python -m benchmarks.gateway_latency --studies {studies}",
        "machine": describe_machine(),
        "load_average_before": round(load, 1),
        "quiet_s": _QUIET_S,
        "aim_s": _AIM_S,
        "gateway_s": {"median": round(median(own_s), 2), "most": max(own_s)},
        "studies": [asdict(each) for each in passed],
    }
    text = json.dumps(found, indent=2)
    Console().print_json(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
