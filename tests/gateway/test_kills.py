"""The process is ended at its failpoints, one after the other, and started again: nothing is lost, nothing doubled."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydicom.dataset import FileDataset

from base.failpoints import EXIT_STATUS
from gateway.ledger import history
from gateway.ledger.outbox import of_study
from tests.fixtures.gateways import GatewayPlace, RecordingNode, log_of, recording_node, serving_port, wait_for
from tests.fixtures.processes import ServerProcess
from tests.fixtures.sending import renamed_study, send_until_taken
from tests.gateway.test_chain import SITE

ALL_POINTS: Final = bool(os.environ.get("TEST_EVERY_FAILPOINT"))
"""By hand: the process is ended at every point that a study passes, not at the first of the telling names alone."""

_TELLING: Final = (
    "file.synced",
    "file.renamed",
    "folder.synced",
    "ledger.instance.before",
    "ledger.claimed",
    "case.answered",
    "case.saved",
    "ledger.answered.before",
    "ledger.sent.before",
)
"""Between what was done and what was written down about it."""

_QUIET: Final = {"SIDEWALL_GATEWAY_QUIET_S": "1.5"}
"""Longer than a sender takes to come back."""


def test_a_kill_at_any_failpoint_loses_and_doubles_nothing(
    place: GatewayPlace, engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        points = _points_of_one_study(place, series, tmp_path / "trace")
        assert set(_TELLING) <= set(points)
        chosen = [str(number + 1) for number in range(len(points))] if ALL_POINTS else _TELLING
        studies = [_kill_at(place, point, renamed_study(series)) for point in chosen]
        _finish(place, 1 + len(studies))
        _check(place, node, studies)


def _points_of_one_study(place: GatewayPlace, series: Sequence[Path], trace: Path) -> list[str]:
    """Return the names of the points that the gateway passes from its start to the end of a study."""
    process = place.start(trace=trace, settings=_QUIET)
    port = wait_for(lambda: serving_port(place, process, 0), place.describe)
    send_until_taken(lambda: port, renamed_study(series))
    place.wait_for_states("delivered")
    process.terminate()
    assert process.wait(60) == 0
    return trace.read_text().split()


def _kill_at(place: GatewayPlace, point: str, study: list[FileDataset]) -> list[FileDataset]:
    """Send a study to a gateway that ends at a point, until every instance of it is acknowledged; return the study."""
    process = _started(place, point)

    def port() -> int:
        nonlocal process
        if process[0].poll() is not None:
            assert process[0].returncode == EXIT_STATUS, place.describe()
            process = _started(place, "")
        return wait_for(lambda: serving_port(place, *process), place.describe)

    def reachable() -> int | None:
        found = port()
        return found if found > 0 else None

    send_until_taken(reachable, study)
    # What comes after the last acknowledgement: it ends there, or has done all its work.
    wait_for(lambda: process[0].poll() is not None or _is_over(place, study), place.describe)
    if process[0].poll() is None:
        process[0].terminate()
        process[0].wait(60)
    return study


def _started(place: GatewayPlace, point: str) -> tuple[subprocess.Popen[bytes], int]:
    before = len([entry for entry in log_of(place.folder) if entry["event"] == "serving"])
    return place.start(kill_at=point, settings=_QUIET), before


def _is_over(place: GatewayPlace, study: Sequence[FileDataset]) -> bool:
    return any(each.study_uid == study[0].StudyInstanceUID and each.state == "delivered" for each in place.studies())


def _finish(place: GatewayPlace, count: int) -> None:
    """Let a gateway that nobody ends bring everything to its end."""
    process, before = _started(place, "")
    wait_for(lambda: serving_port(place, process, before), place.describe)
    place.wait_for_states(*["delivered"] * count)
    process.terminate()
    assert process.wait(60) == 0


def _check(place: GatewayPlace, node: RecordingNode, studies: Sequence[Sequence[FileDataset]]) -> None:
    rows = place.studies()
    assert [each.revision for each in rows] == [1] * len(rows)
    kept = {each.name.partition("-")[0] for each in (place.spool / "instances").rglob("*.dcm")}
    assert {str(each.SOPInstanceUID) for study in studies for each in study} <= kept
    assert len(kept) == 12 * len(rows)
    assert not list((place.spool / "incoming").rglob("*.dcm"))
    assert not list(place.spool.rglob("*.part"))
    ledger = place.ledger()
    with ledger.read() as connection:
        assert history.first_fault(connection) is None
        outbox = [each for row in rows for each in of_study(connection, row.id)]
    ledger.close()
    assert {each.state for each in outbox} == {"confirmed"}
    assert node.sends.keys() == {each.sop_uid for each in outbox}
    # One object was on the wire when the process was ended before it could write that down.
    doubled = [uid for uid, count in node.sends.items() if count > 1]
    assert len(doubled) <= 1 if not ALL_POINTS else all(node.sends[uid] <= 2 for uid in doubled)
    assert all(len(digests) == 1 for digests in node.digests.values())
