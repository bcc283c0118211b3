"""CASES 1, 2, 3, 10, 12, 23, 38: what public reports saw go wrong on the way in, one test each."""

from pathlib import Path

import pydicom
import pytest
import sidewall
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from base import durable
from gateway.intake.activity import Activity
from gateway.intake.counting import Counts
from gateway.ledger.claims import claim_study
from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.metrics import LedgerCollector, page
from gateway.rejecting import write_rejection
from gateway.site.parts import Rule, Site
from gateway.spool import Spool
from gateway.work.answers import objects_in
from gateway.work.checking import check_objects
from gateway.work.closing import Closer, facts_of
from gateway.work.inputs import choose, images_of
from tests.fixtures.gateways import GatewayPlace, running_gateway
from tests.fixtures.processes import ServerProcess
from tests.fixtures.sending import renamed_study, send
from tests.gateway.ledger.arriving import arrive, study, take_to

SITE = Site(rules=(Rule("all"),))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a new ledger."""
    return Ledger(sqlite_url(tmp_path / "ledger.sqlite"), "box")


def test_a_study_is_not_closed_while_an_association_still_brings_a_series_of_it(ledger: Ledger) -> None:
    """CASES 1: study closed while a series still came."""
    activity = Activity()
    closer = Closer(ledger, lambda: SITE, activity, quiet_s=30.0, force_s=7200.0)
    arrive(ledger)
    activity.instance_came(1, "1.2.3")
    # Two minutes without a whole instance, but with data: a large one is on its way.
    ledger.clock.not_before(ledger.now_s() + 120.0)
    activity.data_came(1)
    assert closer.close_due() == 0
    assert study(ledger).state is StudyState.RECEIVING
    activity.ended(1)
    assert closer.close_due() == 1
    assert study(ledger).state is StudyState.WAITING
    ledger.close()


def test_the_end_of_an_association_ends_no_study_which_may_come_over_several(ledger: Ledger) -> None:
    """CASES 3: no sign of the end; a study over two associations."""
    activity = Activity()
    closer = Closer(ledger, lambda: SITE, activity, quiet_s=30.0, force_s=7200.0)
    for association, sop_uid, digest in ((1, "1.2.3.1.1", "a" * 64), (2, "1.2.3.1.2", "b" * 64)):
        ledger.clock.not_before(ledger.now_s() + 20.0)
        arrive(ledger, sop_uid=sop_uid, digest=digest)
        activity.instance_came(association, "1.2.3")
        activity.ended(association)
        assert closer.close_due() == 0
        assert study(ledger).state is StudyState.RECEIVING
    # 29 s after the last instance, and 49 s after the first association has ended.
    ledger.clock.not_before(ledger.now_s() + 29.0)
    assert closer.close_due() == 0
    ledger.clock.not_before(ledger.now_s() + 1.5)
    assert closer.close_due() == 1
    whole = study(ledger)
    assert (whole.state, whole.revision) == (StudyState.WAITING, 1)
    with ledger.read() as connection:
        assert len(facts_of(connection, whole)) == 2
    ledger.close()


def test_a_study_is_taken_whole_and_what_comes_later_is_of_the_next_revision(ledger: Ledger, tmp_path: Path) -> None:
    """CASES 2: taken over in the middle of receiving."""
    spool = Spool(tmp_path / "spool", "box")
    arrive(ledger, path="instances/1.dcm")
    assert claim_study(ledger) is None
    take_to(ledger, StudyState.WAITING)
    # One more before it is taken: it is received again.
    arrive(ledger, sop_uid="1.2.3.1.2", digest="b" * 64, path="instances/2.dcm")
    assert claim_study(ledger) is None
    take_to(ledger, StudyState.WAITING)
    taken = claim_study(ledger)
    assert taken is not None
    arrive(ledger, sop_uid="1.2.3.1.3", digest="c" * 64, path="instances/3.dcm")
    with ledger.read() as connection:
        of_taken = images_of(connection, taken, spool)
        of_next = images_of(connection, study(ledger), spool)
    assert [file.name for file, _ in of_taken] == ["1.dcm", "2.dcm"]
    assert [file.name for file, _ in of_next] == ["1.dcm", "2.dcm", "3.dcm"]
    assert (study(ledger).revision, study(ledger).state) == (2, StudyState.RECEIVING)
    ledger.close()
    spool.close()


def _written(folder: Path, instances: list[FileDataset]) -> list[tuple[Path, str]]:
    folder.mkdir()
    found = []
    for number, each in enumerate(instances):
        file = folder / f"{number:03d}.dcm"
        each.save_as(file)
        found.append((file, str(each.SeriesInstanceUID)))
    return found


def test_a_slice_that_came_twice_is_taken_once_and_its_segmentation_is_proved(
    engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    """CASES 10: two slices at one place broke the writer of segmentations."""
    instances = renamed_study(series)
    copy = pydicom.dcmread(series[5])
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(copy, keyword, getattr(instances[5], keyword))
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    choice = choose(_written(tmp_path / "copy", [*instances, copy]))
    assert choice.refusal == ()
    with sidewall.Client(engine.address) as client:
        client.analyze_series(choice.files).save(tmp_path / "case")
    names = list(objects_in(tmp_path / "case"))
    checked = check_objects(tmp_path / "case", names, choice.files, str(instances[0].StudyInstanceUID))
    assert "segmentation.dcm" in {each.name for each in checked}


def test_a_restarted_run_is_told_from_one_series_and_nothing_is_mixed(
    engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    """CASES 10, 12: real doubles, and two runs of a scanner that was started again."""
    whole, again = renamed_study(series), renamed_study(series)
    for each in again:
        each.StudyInstanceUID = whole[0].StudyInstanceUID
    repeated = choose(_written(tmp_path / "repeated", [*again, *whole]))
    assert [each.code for each in repeated.refusal] == ["tied_series"]
    for each in again[:5]:
        each.SeriesInstanceUID = whole[0].SeriesInstanceUID
        each.FrameOfReferenceUID = whole[0].FrameOfReferenceUID
        each.PixelData = each.PixelData[::-1]
    mixed = choose(_written(tmp_path / "mixed", [*again[:5], *whole]))
    # Headers cannot tell it from copies; the engine looks at the pixels.
    assert (mixed.series_uid, len(mixed.files)) == (str(whole[0].SeriesInstanceUID), len(whole) + 5)
    with sidewall.Client(engine.address) as client, pytest.raises(sidewall.Refused) as refused:
        client.analyze_series(mixed.files)
    assert [each.code for each in refused.value.reasons] == ["duplicate_slice"]
    assert "report.dcm" in {each.name for each in refused.value.artefacts}


def test_the_age_of_the_oldest_study_that_waits_is_told(ledger: Ledger) -> None:
    """CASES 23: tasks stuck as scheduled; an alert watches this metric (`docker/monitoring`)."""
    arrive(ledger)
    take_to(ledger, StudyState.WAITING)
    ledger.clock.not_before(ledger.now_s() + 7200.0)
    collector = LedgerCollector(ledger, Counts(), lambda: 1, 0, lambda: None, dict)
    lines = page(collector).decode().splitlines()
    (line,) = [each for each in lines if each.startswith('sidewall_gateway_oldest_study_seconds{state="waiting"}')]
    assert 7200.0 <= float(line.rpartition(" ")[2]) < 7300.0
    ledger.close()


CHARACTER_SETS = {
    "latin": ("ISO_IR 100", "Müller^Jürg"),
    "cyrillic": ("ISO_IR 144", "Люкceмбypг"),
    "japanese": (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    "unicode": ("ISO_IR 192", "Wang^XiaoDong=王^小東"),
}


def test_names_in_every_character_set_are_kept_byte_for_byte_and_stand_in_rejection_notes(
    place: GatewayPlace, series: list[Path], tmp_path: Path
) -> None:
    """CASES 38: accents lost on the way."""
    place.write_site("")
    sent = {}
    for name, (character_set, patient) in CHARACTER_SETS.items():
        (sent[name],) = renamed_study(series[:1], PatientName=patient)
        sent[name].SpecificCharacterSet = character_set
        sent[name].PatientName = patient
        sent[name].save_as(tmp_path / f"{name}.dcm")
    with running_gateway(place, SIDEWALL_GATEWAY_QUIET_S="600") as gateway:
        assert send(gateway.port, list(sent.values())) == [0x0000] * len(sent)
    for name, (_, patient) in CHARACTER_SETS.items():
        (kept,) = (place.spool / "instances").rglob(f"{sent[name].SOPInstanceUID}-*.dcm")
        raw = [_raw_name(each) for each in (kept, tmp_path / f"{name}.dcm")]
        assert raw[0] == raw[1]
        assert str(pydicom.dcmread(kept).PatientName) == patient
        folder = tmp_path / "cases" / name
        durable.make_folder(folder)
        note = write_rejection(folder, [kept], "pacs", 0.0)
        assert str(pydicom.dcmread(folder / note.name).PatientName) == patient


def _raw_name(file: Path) -> bytes:
    """Return the bytes of the patient's name as they stand in a file."""
    content = file.read_bytes()
    start = content.index(b"\x10\x00\x10\x00PN") + 6
    length = int.from_bytes(content[start : start + 2], "little")
    return content[start + 2 : start + 2 + length]


@pytest.mark.parametrize("name", ["latin", "japanese"])
def test_names_come_back_in_the_results(engine: ServerProcess, series: list[Path], tmp_path: Path, name: str) -> None:
    """CASES 38: in the objects that go to the PACS."""
    character_set, patient = CHARACTER_SETS[name]
    instances = renamed_study(series)
    for each in instances:
        each.SpecificCharacterSet, each.PatientName = character_set, patient
    files = [file for file, _ in _written(tmp_path / "sent", instances)]
    with sidewall.Client(engine.address) as client:
        client.analyze_series(files).save(tmp_path / "case")
    names = {str(pydicom.dcmread(tmp_path / "case" / each).PatientName) for each in objects_in(tmp_path / "case")}
    assert names == {patient}
