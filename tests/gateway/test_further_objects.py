"""Printed report and contours on their whole way: written by the engine, proved, delivered, and rejected by a note."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
import sidewall
from pydicom.dataset import FileDataset
from pydicom.uid import EncapsulatedPDFStorage, RTStructureSetStorage

from gateway.work.checking import NotProved, check_objects
from tests.fixtures.gateways import GatewayPlace, recording_node, running_gateway
from tests.fixtures.processes import ServerProcess, make_bundle, running_server
from tests.fixtures.sending import renamed_study, send
from tests.gateway.test_chain import SITE

FURTHER = {str(EncapsulatedPDFStorage), str(RTStructureSetStorage)}


@pytest.fixture(scope="module")
def whole_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Return an engine that writes all that it can."""
    folder = tmp_path_factory.mktemp("engine")
    settings = {"SIDEWALL_ENCAPSULATED_PDF": "yes", "SIDEWALL_STRUCTURE_SET": "yes"}
    with running_server(make_bundle(folder), folder, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def case(whole_engine: ServerProcess, series: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case folder that the engine's answer fills."""
    folder = tmp_path_factory.mktemp("case") / "case"
    with sidewall.Client(whole_engine.address) as client:
        client.analyze_series(series).save(folder)
    return folder


def test_they_come_over_grpc_and_go_to_a_destination_and_into_its_rejection_note(
    place: GatewayPlace, whole_engine: ServerProcess, series: list[Path]
) -> None:
    with recording_node() as node:
        place.write_site(SITE.format(engine=whole_engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            send(gateway.port, renamed_study(series))
            (study,) = place.wait_for_states("delivered")
            sent = set(node.sends)
            place.command("retract", "1")
            place.wait_for_states("delivered")
            (note_uid,) = set(node.sends) - sent
    folder = place.spool / "cases" / study.study_uid / "1"
    objects = [pydicom.dcmread(each, stop_before_pixels=True) for each in folder.glob("*.dcm")]
    further = {str(each.SOPInstanceUID) for each in objects if each.SOPClassUID in FURTHER}
    assert len(further) == 2
    assert further <= sent
    note = pydicom.dcmread(folder / "rejection" / f"{note_uid}.dcm")
    rejected = {each.ReferencedSOPSequence[0].ReferencedSOPInstanceUID: each.ValueType for each in note.ContentSequence}
    assert set(rejected) == sent
    assert {rejected[uid] for uid in further} == {"COMPOSITE"}


def test_a_rule_may_leave_them_out(place: GatewayPlace, whole_engine: ServerProcess, series: list[Path]) -> None:
    with recording_node() as node:
        site = SITE.format(engine=whole_engine.address, port=node.port, ae_title="RECORDER", confirm="none")
        place.write_site(site.replace('to = "pacs"', 'to = "pacs", objects = ["report", "structure_set"]'))
        with running_gateway(place) as gateway:
            send(gateway.port, renamed_study(series))
            (study,) = place.wait_for_states("delivered")
    folder = place.spool / "cases" / study.study_uid / "1"
    expected = {str(pydicom.dcmread(folder / name).SOPInstanceUID) for name in ("report.dcm", "structure_set.dcm")}
    assert set(node.sends) == expected


def _shift(found: FileDataset) -> None:
    contour = found.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [value + 0.7 if place % 3 == 2 else value for place, value in enumerate(contour.ContourData)]


def _other_frame(found: FileDataset) -> None:
    found.FrameOfReferenceUID = "1.2.3"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_shift, "structure_set.dcm: a contour of structure 1 lies on no slice"),
        (_other_frame, "structure_set.dcm has another frame of reference than the source"),
    ],
)
def test_contours_that_lie_elsewhere_do_not_leave(
    case: Path, series: list[Path], tmp_path: Path, change: Callable[[FileDataset], None], said: str
) -> None:
    study_uid = str(pydicom.dcmread(series[0], stop_before_pixels=True).StudyInstanceUID)
    names = ("document.dcm", "structure_set.dcm")
    assert [each.name for each in check_objects(case, names, series, study_uid)] == list(names)
    found = pydicom.dcmread(case / "structure_set.dcm")
    change(found)
    found.save_as(tmp_path / "structure_set.dcm")
    with pytest.raises(NotProved, match=said):
        check_objects(tmp_path, ["structure_set.dcm"], series, study_uid)
