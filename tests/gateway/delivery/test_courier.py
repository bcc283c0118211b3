"""A courier against nodes that take, refuse, vanish and report."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from gateway.delivery.associating import association
from gateway.delivery.committing import Report
from gateway.delivery.courier import Courier
from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import DeliveryRow, Outgoing, of_study, queue
from gateway.ledger.states import StudyState
from gateway.settings import GatewaySettings
from gateway.site.parts import Destination
from gateway.spool import Spool
from tests.fixtures.gateways import RecordingNode, recording_node
from tests.gateway.ledger.arriving import arrive, study, take_to

# pynetdicom does not close the socket of a connection that was refused.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

VERIFICATION, IMPLICIT = "1.2.840.10008.1.1", "1.2.840.10008.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
COUNT = 3


class Desk:
    """A ledger with one study that is being delivered, its case folder, and a courier."""

    def __init__(self, folder: Path, series: list[Path], **settings: Any) -> None:
        self.ledger = Ledger(sqlite_url(folder / "ledger.sqlite"), "box")
        self.spool = Spool(folder / "spool", "box")
        self.settings = GatewaySettings(spool=folder / "spool", retry_min=(0.0,), commitment_wait_s=0.2, **settings)
        self.destination: Destination | None = None
        self.courier = Courier(self.ledger, self.spool, self.settings, lambda: self.destination)
        arrive(self.ledger)
        row = take_to(self.ledger, StudyState.WAITING, StudyState.ANALYSING, StudyState.ANSWERED, StudyState.DELIVERING)
        case = self.spool.case_folder(row.study_uid, 1)
        case.mkdir(parents=True)
        objects = []
        for file in series[:COUNT]:
            (case / file.name).write_bytes(file.read_bytes())
            header = pydicom.dcmread(file, stop_before_pixels=True)
            syntax = str(header.file_meta.TransferSyntaxUID)
            objects.append(Outgoing("pacs", file.name, str(header.SOPInstanceUID), str(header.SOPClassUID), syntax))
        with self.ledger.change("test") as connection:
            queue(connection, self.ledger.now_s(), row, objects)

    def goes_to(self, port: int, **others: Any) -> None:
        """Point the courier to a node of this machine."""
        values: dict[str, Any] = {"ae_title": "RECORDER", "confirm": "none", "timeout_s": 5.0} | others
        self.destination = Destination("pacs", "127.0.0.1", port, **values)

    def work(self) -> None:
        """Do what is due."""
        while self.courier.work():
            pass

    def outbox(self) -> list[DeliveryRow]:
        """Return the deliveries."""
        with self.ledger.read() as connection:
            return of_study(connection, 1)

    def states(self) -> list[str]:
        """Return their states."""
        return [str(each.state) for each in self.outbox()]


@pytest.fixture
def desk(tmp_path: Path, series: list[Path]) -> Iterator[Desk]:
    """Give a desk."""
    made = Desk(tmp_path, series)
    yield made
    made.ledger.close()
    made.spool.close()


@pytest.fixture
def node() -> Iterator[RecordingNode]:
    """Give a node that counts."""
    with recording_node() as running:
        yield running


def test_each_object_is_sent_once_and_the_study_is_delivered(desk: Desk, node: RecordingNode) -> None:
    desk.goes_to(node.port)
    desk.work()
    assert desk.states() == ["confirmed"] * COUNT
    assert sorted(node.sends.values()) == [1] * COUNT
    assert study(desk.ledger).state is StudyState.DELIVERED


def test_a_permanent_refusal_is_not_repeated(desk: Desk, node: RecordingNode) -> None:
    """CASES 20."""
    node.status = lambda _: 0xA900
    desk.goes_to(node.port)
    desk.work()
    desk.work()
    assert desk.states() == ["refused"] * COUNT
    assert sorted(node.sends.values()) == [1] * COUNT
    assert desk.outbox()[0].reason == "status A900: the data set does not match its SOP class"
    assert study(desk.ledger).state is StudyState.FAILED


def test_a_full_destination_is_tried_again(desk: Desk, node: RecordingNode) -> None:
    """CASES 26: "sent" after A700."""
    answers = iter([0xA700] * COUNT)
    node.status = lambda _: next(answers, 0x0000)
    desk.goes_to(node.port)
    desk.work()
    assert desk.states() == ["confirmed"] * COUNT
    assert sorted(node.sends.values()) == [2] * COUNT


def test_a_destination_that_is_away_gets_everything_once_it_is_back(desk: Desk, node: RecordingNode) -> None:
    desk.goes_to(1)
    desk.courier.work()
    assert desk.states() == ["queued"] * COUNT
    assert desk.outbox()[0].reason == "no association with 127.0.0.1:1: nothing listens there, or it broke off"
    desk.goes_to(node.port)
    desk.work()
    assert desk.states() == ["confirmed"] * COUNT
    assert sorted(node.sends.values()) == [1] * COUNT


def test_a_delivery_is_given_up_after_its_limit(tmp_path: Path, series: list[Path]) -> None:
    """CASES 21: one end per job."""
    desk = Desk(tmp_path, series, retry_limit_h=0.0)
    desk.goes_to(1)
    desk.work()
    assert desk.states() == ["failed"] * COUNT
    assert desk.outbox()[0].reason.startswith("given up after 1 attempts: no association")
    desk.ledger.close()
    desk.spool.close()


def test_a_class_that_is_not_accepted_fails_at_once_with_the_reason(desk: Desk) -> None:
    """CASES 29, 30: what will be sent is proposed, and what is not accepted never times out."""
    entity = AE("RECORDER")
    entity.add_supported_context("1.2.840.10008.5.1.4.1.1.88.34")
    entity.add_supported_context("1.2.840.10008.1.1")
    server: Any = entity.start_server(("127.0.0.1", 0), block=False)
    try:
        desk.goes_to(server.server_address[1])
        desk.work()
    finally:
        server.shutdown()
    assert desk.states() == ["refused"] * COUNT
    assert desk.outbox()[0].reason.endswith("accepts none of the presentation contexts for what is to be sent")


def test_a_node_that_does_not_know_us_is_named_with_what_was_called(desk: Desk) -> None:
    """CASES 14."""
    entity = AE("RECORDER")
    entity.require_calling_aet = ["SOMEBODY"]
    entity.add_supported_context(MR)
    server: Any = entity.start_server(("127.0.0.1", 0), block=False)
    try:
        desk.goes_to(server.server_address[1])
        desk.work()
    finally:
        server.shutdown()
    assert desk.states() == ["refused"] * COUNT
    assert desk.outbox()[0].reason.endswith("rejects SIDEWALL calling RECORDER: calling AE title not recognised")


@pytest.mark.parametrize("end", ["abort", "closed connection"])
def test_an_association_that_broke_is_not_used_again(desk: Desk, node: RecordingNode, end: str) -> None:
    """CASES 28."""
    aborted = threading.Event()

    def abort_once(event: Any) -> int:
        if not aborted.is_set():
            aborted.set()
            if end == "abort":
                event.assoc.abort()
            else:
                event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)
        return 0x0000

    entity = AE("RECORDER")
    entity.add_supported_context(MR)
    server: Any = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, abort_once)])
    try:
        desk.goes_to(server.server_address[1])
        desk.courier.work()
        first = desk.outbox()
    finally:
        server.shutdown()
    assert [str(each.state) for each in first] == ["queued"] * COUNT
    assert [each.sends for each in first] == [1, 0, 0]
    desk.goes_to(node.port)
    desk.work()
    assert desk.states() == ["confirmed"] * COUNT


def test_an_answer_is_not_lost_to_the_reactor(node: RecordingNode) -> None:
    """The library drops an answer that its own loop takes from the queue before whoever waits for it."""
    with association(
        "SIDEWALL", Destination("pacs", "127.0.0.1", node.port, "RECORDER"), [(VERIFICATION, IMPLICIT)]
    ) as opened:
        answer = C_ECHO()
        answer.MessageIDBeingRespondedTo, answer.Status = 7, 0x0000
        opened._reactor_checkpoint.clear()
        opened._serve_request(answer, 1)
        assert opened.dimse.get_msg(block=False) == (1, answer)
        opened._reactor_checkpoint.set()
        assert opened.send_c_echo().Status == 0x0000


@pytest.mark.parametrize("way", ["the same association", "another association"])
def test_a_report_is_taken_on_whichever_association_it_comes(desk: Desk, node: RecordingNode, way: str) -> None:
    """CASES 36, 37."""
    reports: list[Dataset] = []
    answers: list[int] = []

    def asked(event: Any) -> tuple[int, Dataset | None]:
        reports.append(event.action_information)
        if way == "the same association":
            threading.Thread(target=lambda: answers.append(_report(event.assoc, reports[-1]))).start()
        return 0x0000, None

    entity = AE("COMMITTER")
    entity.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    server: Any = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_ACTION, asked)])
    try:
        desk.goes_to(node.port, confirm="none")
        # Stored with one node, confirmed by another that stands beside it.
        desk.goes_to(node.port, confirm="commitment")
        desk.courier.work()
        assert desk.states() == ["sent"] * COUNT
        desk.goes_to(server.server_address[1], confirm="commitment", ae_title="COMMITTER")
        desk.courier.work()
        if way == "another association":
            assert desk.states() == ["sent"] * COUNT
            assert desk.courier.take_report(Report.of(_event_information(reports[-1])))
        else:
            assert answers == [0x0000]
    finally:
        server.shutdown()
    assert desk.states() == ["confirmed"] * COUNT


def test_a_node_without_storage_commitment_leaves_what_was_sent_unconfirmed(desk: Desk, node: RecordingNode) -> None:
    desk.goes_to(node.port, confirm="commitment")
    desk.work()
    assert desk.states() == ["failed"] * COUNT
    assert desk.outbox()[0].reason == "sent, but not confirmed in 5 requests"
    assert sorted(node.sends.values()) == [1] * COUNT


def _event_information(action: Dataset) -> Dataset:
    information = Dataset()
    information.TransactionUID = action.TransactionUID
    information.ReferencedSOPSequence = action.ReferencedSOPSequence
    return information


def _report(association: Any, action: Dataset) -> int:
    status, _ = association.send_n_event_report(
        _event_information(action), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    return int(status.Status)
