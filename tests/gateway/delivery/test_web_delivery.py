"""Results over STOW-RS to real servers, whose answers are read for each instance: Orthanc, and another gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import Comprehensive3DSRStorage, SegmentationStorage

from gateway.site.parts import Destination
from tests.fixtures.gateways import GatewayPlace, running_gateway, wait_for
from tests.fixtures.processes import ServerProcess
from tests.fixtures.sending import renamed_study, send
from tests.gateway.delivery.test_courier import COUNT, Desk
from tests.integration.orthanc import DICOMWEB_PLUGIN, Orthanc, find_orthanc, running_orthanc

SITE = """
[[engine]]
address = "{engine}"

[[destination]]
name = "web"
url = "http://127.0.0.1:{port}/dicom-web"
confirm = "query"

[[rule]]
name = "all"
deliver = [{{ to = "web" }}]
"""


@contextmanager
def _archive(folder: Path, *, refuses: str = "") -> Iterator[Orthanc]:
    program = find_orthanc()
    if program is None or not DICOMWEB_PLUGIN.is_file():
        pytest.skip("Orthanc with its DICOMweb plugin is not installed")
    with running_orthanc(program, folder, refuses=refuses) as orthanc:
        yield orthanc


def _objects(place: GatewayPlace, study_uid: str) -> dict[str, bytes]:
    """Return the DICOM files of a case folder by their SOP Instance UIDs."""
    files = (place.spool / "cases" / study_uid / "1").rglob("*.dcm")
    return {str(pydicom.dcmread(each).SOPInstanceUID): each.read_bytes() for each in files}


def test_seg_and_sr_arrive_over_stow_and_a_query_confirms_them(
    place: GatewayPlace, engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    with _archive(tmp_path) as orthanc:
        place.write_site(SITE.format(engine=engine.address, port=orthanc.http_port))
        tried = place.command("echo", "web").stdout
        with running_gateway(place) as gateway:
            send(gateway.port, renamed_study(series))
            (study,) = place.wait_for_states("delivered")
        sent = _objects(place, study.study_uid)
        found = orthanc.query_by_web(f"studies/{study.study_uid}/instances")
        kept = {each["00080018"]["Value"][0] for each in found}
        stored = [pydicom.dcmread(BytesIO(orthanc.stored_file(uid))) for uid in kept]
    assert tried == f"http://127.0.0.1:{orthanc.http_port}/dicom-web answers: HTTP status 200\n"
    assert kept == sent.keys()
    assert {SegmentationStorage, Comprehensive3DSRStorage} <= {each.SOPClassUID for each in stored}
    assert all(each == pydicom.dcmread(BytesIO(sent[str(each.SOPInstanceUID)])) for each in stored)


def test_what_a_server_calls_stored_and_drops_is_found_by_the_query_and_told(
    place: GatewayPlace, engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    """Orthanc's filter drops reports, and its answer to STOW-RS names them as stored all the same."""
    with _archive(tmp_path, refuses="SR") as orthanc:
        place.write_site(SITE.format(engine=engine.address, port=orthanc.http_port))
        with running_gateway(place) as gateway:
            send(gateway.port, renamed_study(series))
            (study,) = place.wait_for_states("failed")
        shown = place.command("show", "1").stdout
        kept = orthanc.query_by_web(f"studies/{study.study_uid}/instances")
    count = len(_objects(place, study.study_uid))
    assert study.reason == f"1 of {count} objects were not taken by web"
    reason = "the destination did not keep it (the query does not find it)"
    assert f"to web: report.dcm refused, sent 2 times: {reason}" in shown
    assert len(kept) == count - 1


def test_a_server_that_cannot_store_is_tried_again_and_gets_each_object_once_it_can(
    place: GatewayPlace, engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    """Orthanc, with no room for files, answers 200 and names the instance neither as stored nor as failed."""
    with _archive(tmp_path) as orthanc:
        obstacles = [tmp_path / "storage" / f"{number:02x}" for number in range(256)]
        for each in obstacles:
            each.touch()
        place.write_site(SITE.format(engine=engine.address, port=orthanc.http_port))
        with running_gateway(place) as gateway:
            send(gateway.port, renamed_study(series))
            place.wait_for_states("delivering")
            untold = "HTTP status 200, but the answer does not name the instance"
            wait_for(lambda: untold in place.command("show", "1").stdout, place.describe)
            for each in obstacles:
                each.unlink()
            (study,) = place.wait_for_states("delivered")
        kept = orthanc.query_by_web(f"studies/{study.study_uid}/instances")
    assert {each["00080018"]["Value"][0] for each in kept} == _objects(place, study.study_uid).keys()


def test_an_instance_that_a_server_refuses_is_told_and_the_others_arrive(
    place: GatewayPlace, series: list[Path], tmp_path: Path
) -> None:
    """A gateway as the server: it has other content under one of the UIDs."""
    place.write_site("")
    settings = {"SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0", "SIDEWALL_GATEWAY_QUIET_S": "600"}
    with running_gateway(place, **settings) as server:
        port = next(each["web_port"] for each in server.log() if each["event"] == "serving")
        other = pydicom.dcmread(series[0])
        other.PixelData = other.PixelData[::-1]
        assert send(server.port, [other]) == [0x0000]
        (tmp_path / "desk").mkdir()
        desk = Desk(tmp_path / "desk", series)
        desk.destination = Destination("pacs", url=f"http://127.0.0.1:{port}/dicom-web", confirm="none")
        desk.work()
        outbox, states = desk.outbox(), desk.states()
        desk.ledger.close()
        desk.spool.close()
    assert states == ["refused"] + ["confirmed"] * (COUNT - 1)
    assert (outbox[0].reason, outbox[0].sends) == ("status C111: it was not understood", 1)
