"""The process is ended at its failpoints, one after the other, and started again: nothing is lost, nothing doubled.

The engine is a stand-in that answers by replay; it computes nothing.
"""

import os
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom.dataset import FileDataset
from sqlalchemy import select

from base.failpoints import EXIT_STATUS
from gateway.ledger import history
from gateway.ledger.outbox import DeliveryRow, of_study
from gateway.ledger.schema import commitments
from tests.fixtures.gateways import GatewayPlace, Process, RecordingNode, log_of, recording_node, wait_for
from tests.fixtures.proxies import open_directly
from tests.fixtures.sending import renamed_study, send_until_taken
from tests.gateway.test_chain import SITE

ALL_POINTS: Final = bool(os.environ.get("TEST_EVERY_FAILPOINT"))
"""By hand: the process is ended at every point that a study passes, not at the telling ones alone."""

EARLY: Final = SITE + 'early_series = "*"\n'
"""A study goes once its series has as many instances as it says: no time decides, however slow the machine is."""

_INTAKE: Final = (
    "folder.made",
    "file.synced",
    "file.renamed",
    "folder.synced",
    "ledger.instance.before",
    "ledger.instance",
)
_WORK: Final = (
    "ledger.closed.before", "ledger.closed", "ledger.claimed.before", "ledger.claimed", "case.answered", "case.saved",
    "ledger.answered.before", "ledger.answered",
)  # fmt: skip
_DELIVERY: Final = (
    "ledger.sending.before", "ledger.sending", "ledger.sent.before", "ledger.sent", "ledger.commitment_asked.before",
    "ledger.commitment_asked", "ledger.commitment_answered.before", "ledger.commitment_answered",
)  # fmt: skip
_RETENTION: Final = (
    "file.removed", "ledger.spool_cleaned.before", "ledger.spool_cleaned", "case.removed", "ledger.case_cleaned.before",
    "ledger.case_cleaned",
)  # fmt: skip
_SETTINGS: Final = {"SIDEWALL_GATEWAY_QUIET_S": "600", "SIDEWALL_GATEWAY_COMMITMENT_DEADLINE_S": "4"}
_OVER: Final = {f"SIDEWALL_GATEWAY_{each}_DAYS": "0" for each in ("SPOOL", "CASE", "FAILED")}


class Restarted:
    """A gateway that ends at one point after the other and is started again each time, until no point is left."""

    def __init__(self, place: GatewayPlace, points: Sequence[str], **settings: str) -> None:
        self._place, self._settings, self.left = place, _SETTINGS | settings, list(points)
        self._process: Process | None = None
        self._served = 0
        self._lock = threading.Lock()

    def entry(self) -> dict[str, int] | None:
        """Return what the gateway said when it began to serve; None while it is down.

        Starts it again; whoever sends and whoever reports may ask at the same time.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                if self._process is not None:
                    assert self._process.returncode == EXIT_STATUS, self._place.describe()
                    self.left.pop(0)
                self._served = len(self._entries())
                self._process = self._place.start(kill_at=self.left[0] if self.left else "", settings=self._settings)
            entries = self._entries()
            return entries[-1] if len(entries) > self._served else None

    def port(self) -> int | None:
        """Return the port of the DICOM node; None while it is down."""
        found = self.entry()
        return None if found is None else found["port"]

    def run_until(self, is_over: Callable[[], bool]) -> None:
        """Start it again until it has ended at every point and all is over, and stop it."""
        wait_for(lambda: (self.entry() is not None) and not self.left and is_over(), self._describe)
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0

    def stop(self) -> None:
        """Stop it once it serves, whether it has come to its point by then or comes to it now."""
        # One that has just been started again would be ended by the signal itself.
        wait_for(lambda: self.entry() is not None, self._describe)
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) in (0, EXIT_STATUS)

    def _entries(self) -> list[dict[str, int]]:
        return [entry for entry in log_of(self._place.folder) if entry["event"] == "serving"]

    def _describe(self) -> str:
        states = [(str(each.state), each.reason) for each in self._place.studies()]
        return f"not reached: {self.left}\n{states}\n{self._place.describe()}"


def test_a_study_survives_kills_from_its_first_byte_to_its_confirmation(
    forked_place: GatewayPlace, stand_in: str, series: list[Path]
) -> None:
    gateway = Restarted(forked_place, [*_INTAKE, *_WORK, *_DELIVERY])
    with recording_node(commits=gateway.port) as node:
        forked_place.write_site(
            EARLY.format(engine=stand_in, port=node.port, ae_title="RECORDER", confirm="commitment")
        )
        study = _study(series)
        send_until_taken(gateway.port, study)
        gateway.run_until(lambda: _is_over(forked_place, study))
    _check(forked_place, node, [study])
    # At one point an object was on the wire and that was not written down yet.
    assert sorted(node.sends.values())[-2:] == [1, 2]
    # One request ended with the process before it was sent: it was made anew, under another Transaction UID.
    assert _requests(forked_place) == {"late": 1, "answered": 1}
    assert len(node.requested) == 1


def test_instances_over_http_survive_kills(forked_place: GatewayPlace, stand_in: str, series: list[Path]) -> None:
    gateway = Restarted(forked_place, _INTAKE, SIDEWALL_GATEWAY_WEB_LISTEN="127.0.0.1:0")
    with recording_node() as node:
        forked_place.write_site(EARLY.format(engine=stand_in, port=node.port, ae_title="RECORDER", confirm="none"))
        study = _study(series)
        for instance in study:
            wait_for(lambda each=instance: _is_stored(gateway, each), forked_place.describe)  # type: ignore[misc]
        gateway.run_until(lambda: _is_over(forked_place, study))
    _check(forked_place, node, [study])
    assert set(node.sends.values()) == {1}


def test_what_is_over_its_term_goes_whole_and_what_is_not_confirmed_stays(
    forked_place: GatewayPlace, stand_in: str, series: list[Path]
) -> None:
    confirmed, refused = _study(series), _study(series)
    with recording_node() as node:
        forked_place.write_site(EARLY.format(engine=stand_in, port=node.port, ae_title="RECORDER", confirm="none"))
        gateway = Restarted(forked_place, [])
        send_until_taken(gateway.port, confirmed)
        wait_for(lambda: _is_over(forked_place, confirmed), forked_place.describe)
        node.status = lambda _: 0xA900
        send_until_taken(gateway.port, refused)
        gateway.run_until(lambda: [str(each.state) for each in forked_place.studies()] == ["delivered", "failed"])
    instances, cases = (forked_place.spool / name for name in ("instances", "cases"))
    Restarted(forked_place, _RETENTION, **_OVER).run_until(
        lambda: forked_place.studies()[0].spool_removed_at > 0 and forked_place.studies()[0].case_removed_at > 0
    )
    kept = str(refused[0].StudyInstanceUID)
    assert [each.name for each in instances.iterdir()] == [kept]
    assert [each.name for each in cases.iterdir()] == [kept]
    assert len(list(instances.rglob("*.dcm"))) == len(refused)
    assert [each.patient_id for each in forked_place.studies()] == ["", str(refused[0].PatientID)]
    _check_chain(forked_place)


def test_commands_are_done_or_not_done_whatever_ends_them(
    forked_place: GatewayPlace, stand_in: str, series: list[Path]
) -> None:
    with recording_node() as node:
        forked_place.write_site(EARLY.format(engine=stand_in, port=node.port, ae_title="RECORDER", confirm="none"))
        gateway = Restarted(forked_place, [])
        study = _study(series)
        send_until_taken(gateway.port, study)
        gateway.run_until(lambda: _is_over(forked_place, study))
    # Command, point before its commit, state before, state after.
    steps = (
        ("hold", "delivered", "held"),
        ("release", "held", "delivered"),
        ("retract", "delivered", "delivering"),
    )
    for command, before, after in steps:
        assert _ended(forked_place, command, f"ledger.{command}.before") == EXIT_STATUS
        assert [str(each.state) for each in forked_place.studies()] == [before]
        assert _ended(forked_place, command, f"ledger.{command}") == EXIT_STATUS
        assert [str(each.state) for each in forked_place.studies()] == [after]
    _check_chain(forked_place)
    # The note that was written before the command ended is the one that goes out.
    assert len(list((forked_place.spool / "cases").rglob("rejection/*"))) == 1


def test_every_single_failpoint(forked_place: GatewayPlace, stand_in: str, series: list[Path], tmp_path: Path) -> None:
    """Ends the process at each point that a study passes in turn; by hand all, otherwise one of the middle."""
    with recording_node() as node:
        forked_place.write_site(EARLY.format(engine=stand_in, port=node.port, ae_title="RECORDER", confirm="none"))
        points = _points_of_one_study(forked_place, series, tmp_path / "trace")
        chosen = range(1, len(points) + 1) if ALL_POINTS else (len(points) // 2,)
        studies = [_kill_at(forked_place, str(number), series) for number in chosen]
    _check(forked_place, node, studies, others=1)
    assert max(node.sends.values()) <= 2


def _points_of_one_study(place: GatewayPlace, series: Sequence[Path], trace: Path) -> list[str]:
    """Return the names of the points that the gateway passes from its start to the end of a study."""
    process = place.start(trace=trace, settings=_SETTINGS)
    study = _study(series)
    send_until_taken(lambda: _last_port(place, process, 0), study)
    wait_for(lambda: _is_over(place, study), place.describe)
    process.terminate()
    assert process.wait(60) == 0
    return trace.read_text().split()


def _kill_at(place: GatewayPlace, point: str, series: Sequence[Path]) -> list[FileDataset]:
    """Bring a study through a gateway that ends at the point of that number, if it still comes to it."""
    study = _study(series)
    gateway = Restarted(place, [point])
    send_until_taken(gateway.port, study)

    def is_over() -> bool:
        gateway.entry()
        return _is_over(place, study)

    wait_for(is_over, place.describe)
    gateway.stop()
    return study


def _last_port(place: GatewayPlace, process: Process, before: int) -> int | None:
    assert process.poll() is None, place.describe()
    ports = [entry["port"] for entry in log_of(place.folder) if entry["event"] == "serving"]
    return int(ports[-1]) if len(ports) > before else None


def _study(series: Sequence[Path]) -> list[FileDataset]:
    return renamed_study(series, SeriesDescription="T2", ImagesInAcquisition=str(len(series)))


def _is_over(place: GatewayPlace, study: Sequence[FileDataset]) -> bool:
    return any(each.study_uid == study[0].StudyInstanceUID and each.state == "delivered" for each in place.studies())


def _is_stored(gateway: Restarted, instance: FileDataset) -> bool:
    """Send one instance by STOW-RS and return whether it was acknowledged."""
    entry = gateway.entry()
    if entry is None:
        return False
    content = BytesIO()
    instance.save_as(content)
    body = b"--B\r\nContent-Type: application/dicom\r\n\r\n" + content.getvalue() + b"\r\n--B--\r\n"
    url = f"http://127.0.0.1:{entry['web_port']}/dicom-web/studies"
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=B'}
    try:
        with open_directly(urllib.request.Request(url, body, headers)) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _ended(place: GatewayPlace, command: str, point: str) -> int:
    """Run a command that ends at a point, and return its exit status."""
    process = place.start(kill_at=point, arguments=(command, "1"))
    return process.wait(60)


def _requests(place: GatewayPlace) -> Counter[str]:
    """Return how many requests for storage commitment are in which state."""
    ledger = place.ledger()
    try:
        with ledger.read() as connection:
            return Counter(connection.execute(select(commitments.c.state)).scalars())
    finally:
        ledger.close()


def _check(
    place: GatewayPlace, node: RecordingNode, studies: Sequence[Sequence[FileDataset]], *, others: int = 0
) -> None:
    """Check that every study ended once, with everything that was acknowledged, and nothing is left over."""
    rows = place.studies()
    assert [each.revision for each in rows] == [1] * (len(studies) + others)
    kept = {each.name.partition("-")[0] for each in (place.spool / "instances").rglob("*.dcm")}
    assert {str(each.SOPInstanceUID) for study in studies for each in study} <= kept
    assert len(kept) == 12 * len(rows)
    assert not list((place.spool / "incoming").rglob("*.dcm"))
    assert not list(place.spool.rglob("*.part"))
    outbox = _check_chain(place)
    assert {each.state for each in outbox} == {"confirmed"}
    assert node.sends.keys() == {each.sop_uid for each in outbox}
    assert all(len(digests) == 1 for digests in node.digests.values())


def _check_chain(place: GatewayPlace) -> list[DeliveryRow]:
    """Check the chain of changes, and return all deliveries."""
    rows = place.studies()
    ledger = place.ledger()
    try:
        with ledger.read() as connection:
            assert history.first_fault(connection) is None
            return [each for row in rows for each in of_study(connection, row.id)]
    finally:
        ledger.close()
