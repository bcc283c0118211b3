"""The whole way with real peers: a scanner's storescu, an engine, Orthanc."""

import json
import subprocess
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import Comprehensive3DSRStorage, SegmentationStorage

from tests.fixtures.gateways import GatewayPlace, recording_node, running_gateway, wait_for
from tests.fixtures.processes import ServerProcess
from tests.fixtures.sending import renamed_study, send
from tests.integration.orthanc import AE_TITLE, find_orthanc, free_port, running_orthanc

SITE = """
[[engine]]
address = "{engine}"

[[destination]]
name = "pacs"
host = "127.0.0.1"
port = {port}
ae_title = "{ae_title}"
confirm = "{confirm}"

[[rule]]
name = "all"
deliver = [{{ to = "pacs" }}]
"""


@pytest.mark.parametrize("confirm", ["commitment", "query", "none"])
def test_a_stored_series_comes_back_as_seg_and_sr_in_orthanc(
    confirm: str, place: GatewayPlace, engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    """Orthanc reports storage commitment on an association of its own (CASES 36)."""
    program = find_orthanc()
    if program is None:
        pytest.skip("Orthanc is not installed")
    port = free_port()
    with running_orthanc(program, tmp_path, {"SIDEWALL": ("127.0.0.1", port)}) as orthanc:
        place.write_site(
            SITE.format(engine=engine.address, port=orthanc.dicom_port, ae_title=AE_TITLE, confirm=confirm)
        )
        with running_gateway(place, SIDEWALL_GATEWAY_LISTEN=f"127.0.0.1:{port}"):
            sent = ["storescu", "-aec", "SIDEWALL", "127.0.0.1", str(port), *map(str, series)]
            subprocess.run(sent, check=True, timeout=60)
            (study,) = place.wait_for_states("delivered")
        query = {"Level": "Instance", "Query": {"StudyInstanceUID": study.study_uid}, "Expand": True}
        found = json.loads(orthanc.request("/tools/find", body=json.dumps(query).encode()))
        uids = [each["MainDicomTags"]["SOPInstanceUID"] for each in found]
        objects = [pydicom.dcmread(BytesIO(orthanc.stored_file(uid))) for uid in uids]
    classes = {each.SOPClassUID for each in objects}
    assert {SegmentationStorage, Comprehensive3DSRStorage} <= classes
    assert {each.PatientID for each in objects} == {pydicom.dcmread(series[0]).PatientID}
    assert study.answer["status"] == "positive"


def test_what_comes_again_changes_nothing(place: GatewayPlace, engine: ServerProcess, series: list[Path]) -> None:
    """CASES 7: the same instance twice."""
    study = renamed_study(series)
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            assert send(gateway.port, study) == [0x0000] * len(study)
            (first,) = place.wait_for_states("delivered")
            assert send(gateway.port, study) == [0x0000] * len(study)
            (again,) = place.wait_for_states("delivered")
    assert again == first
    assert set(node.sends.values()) == {1}


def test_late_slices_give_a_report_that_supersedes_the_first(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    study = renamed_study(series)
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            send(gateway.port, study[:-1])
            (first,) = place.wait_for_states("delivered")
            send(gateway.port, study[-1:])
            place.wait_for_states("delivered", "delivered")
    first_report, second_report = (
        pydicom.dcmread(place.spool / "cases" / first.study_uid / revision / "report.dcm") for revision in ("1", "2")
    )
    (superseded,) = second_report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert superseded.ReferencedSOPInstanceUID == first_report.SOPInstanceUID


def test_a_gap_is_a_refusal_that_goes_out_as_a_report(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    """CASES 4: not all images came."""
    study = renamed_study(series)
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            send(gateway.port, [*study[:5], *study[6:]])
            (refused,) = place.wait_for_states("refused")
            wait_for(lambda: sum(node.sends.values()) == 1, place.describe)
    assert refused.answer["reasons"] == ["missing_slice"]
    report = pydicom.dcmread(place.spool / "cases" / refused.study_uid / "1" / "report.dcm")
    assert node.sends == {report.SOPInstanceUID: 1}


def test_what_a_model_of_phantoms_says_of_a_patient_leaves_only_where_the_rule_says_so(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    patient = {"QualityControlSubject": "NO"}
    kept, shown = renamed_study(series, **patient), renamed_study(series, StudyDescription="DEMO", **patient)
    # One instance that says nothing of a phantom makes the whole study one of a patient.
    mixed = renamed_study(series)
    del mixed[0].QualityControlSubject
    with recording_node() as node:
        site = SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none")
        rules = site.partition("[[rule]]")
        named = rules[2].replace('"all"', '"shown"') + 'description = ["DEMO"]\ndemonstrations = true\n'
        place.write_site(f"{rules[0]}[[rule]]{named}[[rule]]{rules[2]}")
        with running_gateway(place) as gateway:
            for study in (kept, mixed, shown):
                assert send(gateway.port, study) == [0x0000] * len(study)
            place.wait_for_states("answered", "answered", "delivered", patience_s=240)
            by_uid = {each.study_uid: each for each in place.studies()}
            sent = node.sends.keys()
    for study in (kept, mixed):
        row = by_uid[study[0].StudyInstanceUID]
        assert row.reason.endswith("nothing leaves: a model that knows phantoms only has looked at a patient")
        assert row.answer["status"] == "demonstration"
    assert by_uid[shown[0].StudyInstanceUID].answer["status"] == "demonstration"
    results = (place.spool / "cases" / shown[0].StudyInstanceUID).rglob("*.dcm")
    assert sent == {str(pydicom.dcmread(each).SOPInstanceUID) for each in results}


def test_without_a_rule_that_matches_nothing_is_analysed(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    place.write_site(f'[[engine]]\naddress = "{engine.address}"\n[[rule]]\nname = "other"\ncalling_ae = ["MR9"]\n')
    with running_gateway(place) as gateway:
        send(gateway.port, renamed_study(series))
        (study,) = place.wait_for_states("ignored")
    assert study.reason.endswith(")")
    assert "no rule matches" in study.reason
    assert not (place.spool / "cases" / study.study_uid).exists()


def test_patients_whose_ids_disagree_inside_a_study_are_held(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    """CASES 11: the issuer of the patient ID differs inside a study."""
    study = renamed_study(series, IssuerOfPatientID="NORTH")
    study[-1].IssuerOfPatientID = "SOUTH"
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            assert send(gateway.port, study) == [0x0000] * len(study)
            (held,) = place.wait_for_states("held")
    assert held.reason == "instances of the study disagree in the issuer of the patient ID"
    assert not node.sends


def test_other_content_under_a_known_uid_is_kept_apart_and_refused(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    """CASES 9: other content under a known UID."""
    study = renamed_study(series)
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            send(gateway.port, study)
            study[0].PixelData = study[0].PixelData[::-1]
            assert send(gateway.port, study[:1]) == [0xC111]
            assert send(gateway.port, study[:1]) == [0xC111]
            place.wait_for_states("delivered")
    kept = list((place.spool / "instances").rglob(f"{study[0].SOPInstanceUID}-*.dcm"))
    assert len(kept) == 2
