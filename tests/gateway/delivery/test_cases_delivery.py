"""CASES 32, 33: what public reports saw go out that should not, or not arrive though it was called a success."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
import sidewall

from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import of_study
from gateway.ledger.states import StudyState
from gateway.ledger.studies import require_move
from gateway.retention import Janitor
from gateway.settings import GatewaySettings
from gateway.site.parts import Delivery, Destination, Rule
from gateway.spool import Spool
from gateway.work.answers import read_answer
from gateway.work.finishing import finish
from gateway.work.inputs import Choice
from tests.fixtures.processes import ServerProcess
from tests.gateway.delivery.test_courier import COUNT, Desk
from tests.gateway.ledger.arriving import ARRIVAL, arrive, study, take_to

Answering = Callable[[str], tuple[int, Any]]


class WebServer:
    """A DICOMweb server that answers as a test says, and counts what is posted."""

    def __init__(self, stored: Answering, found: Answering) -> None:
        """Answer as `stored` and `found` say, which give status and body for a SOP Instance UID."""
        self.stored, self.found = stored, found
        self.posted: list[str] = []
        self.url = ""


@contextmanager
def web_server(stored: Answering, found: Answering) -> Iterator[WebServer]:
    """Run one on this machine."""
    made = WebServer(stored, found)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            message = BytesParser().parsebytes(head + body)
            assert message.is_multipart()
            content = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
            uid = str(pydicom.dcmread(BytesIO(content), stop_before_pixels=True).SOPInstanceUID)
            made.posted.append(uid)
            self._answer(*made.stored(uid))

        def do_GET(self) -> None:
            self._answer(*made.found(self.path.rpartition("SOPInstanceUID=")[2]))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _named(uid: str) -> dict[str, Any]:
    return {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [uid]}}]}}


def _is_there(uid: str) -> tuple[int, Any]:
    return 200, [{"00080018": {"vr": "UI", "Value": [uid]}}]


@pytest.fixture
def desk(tmp_path: Path, series: list[Path]) -> Iterator[Desk]:
    """Give a ledger with a study that is being delivered."""
    made = Desk(tmp_path, series)
    yield made
    made.ledger.close()
    made.spool.close()


def test_what_is_stored_and_found_again_is_confirmed(desk: Desk) -> None:
    """CASES 33."""
    with web_server(lambda uid: (200, _named(uid)), _is_there) as server:
        desk.destination = Destination("pacs", url=server.url, confirm="query")
        desk.work()
    assert desk.states() == ["confirmed"] * COUNT
    assert len(server.posted) == len(set(server.posted)) == COUNT


def test_a_success_that_names_no_instance_is_none(desk: Desk) -> None:
    """CASES 33: STOW said 200, nothing was there."""
    with web_server(lambda _: (200, {}), _is_there) as server:
        desk.destination = Destination("pacs", url=server.url, confirm="query")
        desk.courier.work()
    assert desk.states() == ["queued"] * COUNT
    assert {each.reason for each in desk.outbox()} == {"HTTP status 200, but the answer does not name the instance"}


def test_a_success_that_no_query_finds_again_is_sent_once_more_and_then_told(desk: Desk) -> None:
    """CASES 33: it asks by QIDO-RS."""
    with web_server(lambda uid: (200, _named(uid)), lambda _: (204, [])) as server:
        desk.destination = Destination("pacs", url=server.url, confirm="query")
        desk.work()
    assert desk.states() == ["refused"] * COUNT
    assert {each.sends for each in desk.outbox()} == {2}
    assert desk.outbox()[0].reason == "the destination did not keep it (the query does not find it)"
    assert study(desk.ledger).state is StudyState.FAILED


def test_an_answer_that_is_not_proved_is_neither_sent_nor_deleted(
    engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    """CASES 32: failed processing was sent or deleted all the same."""
    ledger, spool = Ledger(sqlite_url(tmp_path / "ledger.sqlite"), "box"), Spool(tmp_path / "spool", "box")
    kept = spool.root / ARRIVAL.path
    kept.parent.mkdir(parents=True)
    kept.write_bytes(series[0].read_bytes())
    arrive(ledger)
    rule = asdict(Rule("all", deliver=(Delivery("pacs"),), demonstrations=True))
    with ledger.change("test") as connection:
        values = {"decision": {"rule": rule}}
        require_move(connection, ledger.now_s(), study(ledger), StudyState.WAITING, "by the test", **values)
    row = take_to(ledger, StudyState.ANALYSING)
    # An answer about another study than the one that was asked about.
    folder = spool.case_folder(row.study_uid, 1)
    with sidewall.Client(engine.address) as client:
        client.analyze_series(series).save(folder)
    answer = read_answer(folder)
    assert answer is not None
    assert finish(ledger, row, folder, answer, Choice("1.2.3.1", tuple(series), (), 0), "")
    failed = study(ledger)
    assert failed.state is StudyState.FAILED
    assert failed.reason.startswith("a result was not proved and nothing has left: ")
    assert failed.reason.endswith(" is of another study")
    with ledger.read() as connection:
        assert of_study(connection, failed.id) == []
    Janitor(ledger, spool, GatewaySettings(spool=spool.root, spool_days=0.0, case_days=0.0)).clean()
    assert kept.is_file()
    assert read_answer(folder) == answer
    ledger.close()
    spool.close()
