"""What an operator does, by the real commands."""

import json
import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest
import typer
from typer.testing import CliRunner

import base
from gateway.cli import app
from tests.fixtures.gateways import GatewayPlace, recording_node, running_gateway, wait_for
from tests.fixtures.processes import ServerProcess
from tests.fixtures.sending import renamed_study, send
from tests.gateway.test_chain import SITE


def test_a_study_is_held_released_retracted_and_analysed_again(
    place: GatewayPlace, engine: ServerProcess, series: list[Path], tmp_path: Path
) -> None:
    study = renamed_study(series, PatientName="Secret^Name", AccessionNumber="ACC7")
    uid = str(study[0].StudyInstanceUID)
    with recording_node() as node:
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place, SIDEWALL_GATEWAY_QUIET_S="3") as gateway:
            send(gateway.port, study)
            place.wait_for_states("receiving")
            assert place.command("hold", "ACC7").stdout == "study 1 is held\n"
            assert place.command("hold", "ACC7").returncode == 3
            place.wait_for_states("held")
            released = place.command("release", uid).stdout
            # Before or after the quiet time, as fast as this machine is.
            assert released in ("study 1 is receiving\n", "study 1 is waiting\n")
            place.wait_for_states("delivered")
            sent = set(node.sends)
            assert place.command("retract", "1").stdout == f"0 objects stopped, {len(sent)} rejected by a note\n"
            place.wait_for_states("delivered")
            (note_uid,) = set(node.sends) - sent
            assert place.command("retry", "1").stdout == "study 2 is waiting\n"
            place.wait_for_states("delivered", "delivered")
            shown = json.loads(place.command("show", "ACC7", "--json").stdout)
            lines = place.command("show", "1").stdout.splitlines()
            told = place.command("status").stdout
    _check_note(place.spool / "cases" / uid / "1" / "rejection" / f"{note_uid}.dcm", sent, tmp_path)
    assert [each["state"] for each in shown["history"]] == [
        "waiting",
        "analysing",
        "answered",
        "delivering",
        "delivered",
    ]
    assert lines[0] == f"study 1  {uid}/1  routine"
    assert any(each.startswith("to pacs: report.dcm") for each in lines)
    assert "delivered" in told
    assert "history: entry" in told
    for text in (json.dumps(shown), told, place.describe()):
        assert "Secret" not in text
        assert str(study[0].PatientID) not in text


def _check_note(file: Path, rejected: set[str], folder: Path) -> None:
    note = pydicom.dcmread(file)
    (evidence,) = note.CurrentRequestedProcedureEvidenceSequence
    named = {
        str(each.ReferencedSOPInstanceUID)
        for series in evidence.ReferencedSeriesSequence
        for each in series.ReferencedSOPSequence
    }
    assert named == rejected
    assert note.ConceptNameCodeSequence[0].CodeValue == "113037"
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed")
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, timeout=60, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert errors == []


def test_what_was_refused_is_sent_again_on_request(
    place: GatewayPlace, engine: ServerProcess, series: list[Path]
) -> None:
    with recording_node() as node:
        node.status = lambda _: 0xA900
        place.write_site(SITE.format(engine=engine.address, port=node.port, ae_title="RECORDER", confirm="none"))
        with running_gateway(place) as gateway:
            send(gateway.port, renamed_study(series))
            (failed,) = place.wait_for_states("failed")
            assert failed.reason == "5 of 5 objects were not taken by pacs"
            node.status = lambda _: 0x0000
            assert place.command("redeliver", "1").stdout == "5 objects queued\n"
            place.wait_for_states("delivered")
            assert place.command("redeliver", "1").returncode == 3


def test_receiving_goes_on_without_an_engine_and_a_study_can_be_cancelled(
    place: GatewayPlace, series: list[Path]
) -> None:
    place.write_site('[[engine]]\naddress = "127.0.0.1:1"\n[[rule]]\nname = "all"\n')
    with running_gateway(place) as gateway:
        assert send(gateway.port, renamed_study(series)) == [0x0000] * len(series)
        wait_for(lambda: any("server_unreachable" in each.reason for each in place.studies()), place.describe)
        place.wait_for_states("waiting")
        assert place.studies()[0].attempts == 0
        assert place.command("cancel", "1").stdout == "study 1 is failed\n"


def test_rules_are_explained(place: GatewayPlace, series: list[Path]) -> None:
    place.write_site('[[rule]]\nname = "ct"\nmodality = ["CT"]\n[[rule]]\nname = "mr"\nmodality = ["MR"]\n')
    done = place.command("rules", "test", str(series[0].parent))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:3] == [f"{len(series)} images, 0 other files", "ct: no modality among CT", "mr: matches"]
    assert lines[3].startswith("decision: rule mr: analyse (site file ")
    told = json.loads(place.command("rules", "test", str(series[0].parent), "--json").stdout)
    assert (told["images"], told["analyses"], told["asked"]) == (len(series), True, lines[1:3])
    assert told["rule"]["name"] == "mr"


def test_every_command_shows_an_example_and_the_shell_completes_them() -> None:
    command = typer.main.get_command(app)
    commands = {**command.commands, **command.commands["rules"].commands}  # type: ignore[attr-defined]
    lacking = [name for name, each in commands.items() if name != "rules" and "Example: " not in (each.epilog or "")]
    assert lacking == []
    silent = [name for name, each in commands.items() if "as_json" not in {one.name for one in each.params}]
    assert silent == ["serve", "rules"]
    assert "install_completion" in {each.name for each in command.params}
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == base.__version__


def test_a_destination_is_tried(place: GatewayPlace) -> None:
    with recording_node() as node:
        place.write_site(SITE.format(engine="127.0.0.1:1", port=node.port, ae_title="RECORDER", confirm="none"))
        said = place.command("echo", "pacs").stdout
        assert said == f"127.0.0.1:{node.port} answers SIDEWALL calling RECORDER: status 0000\n"
        assert json.loads(place.command("echo", "pacs", "--json").stdout) == {
            "destination": "pacs",
            "place": f"127.0.0.1:{node.port}",
            "calling": "SIDEWALL",
            "called": "RECORDER",
            "status": "0000",
        }
    done = place.command("echo", "pacs", "--json")
    assert done.stdout == ""
    assert done.returncode == 5
    assert "nothing listens there" in done.stderr
    assert place.command("echo", "other").returncode == 2


def test_a_copy_is_brought_back_and_what_is_lost_is_told(
    place: GatewayPlace, series: list[Path], tmp_path: Path
) -> None:
    place.write_site("")
    copy = tmp_path / "copy"
    with running_gateway(place, SIDEWALL_GATEWAY_QUIET_S="600") as gateway:
        send(gateway.port, renamed_study(series))
        listen = f"127.0.0.1:{gateway.port}"
        asked = json.loads(place.command("health", "--listen", listen, "--json").stdout)
        assert asked == {"listen": listen, "takes_instances": True}
        done = place.command("backup", str(copy), "--json")
        assert done.returncode == 0, done.stderr
        again = place.command("backup", str(copy))
    assert (again.returncode, "a folder that is not there yet" in again.stderr) == (2, True)
    told = json.loads(done.stdout)
    assert (told["folder"], told["history"]["seq"] > 0) == (str(copy), True)
    shutil.rmtree(place.spool)
    empty = place.command("restore", str(place.site_file.parent))
    assert (empty.returncode, "one that `backup` made" in empty.stderr) == (2, True)
    restored = place.command("restore", str(copy), "--json")
    assert json.loads(restored.stdout) == {"spool": str(place.spool), "history": told["history"]}
    assert place.command("restore", str(copy)).returncode == 3
    assert json.loads(place.command("doctor", "--json").stdout)["faults"] == []
    lost = next((place.spool / "instances").rglob("*.dcm"))
    lost.unlink()
    looked = place.command("doctor")
    assert looked.returncode == 1
    assert f"fault: 1 instances have lost their file, such as instances/{lost.parent.parent.name}" in looked.stdout
    assert json.loads(place.command("repair", "--json").stdout) == {
        "studies_taken_back": 0,
        "deliveries_taken_back": 0,
        "instances_forgotten": 1,
    }
    assert place.command("repair").stdout.endswith("forgotten: 0 instances without a file\n")
    assert place.command("doctor").returncode == 0


def test_a_ledger_that_cannot_be_opened_is_told_in_one_line(place: GatewayPlace) -> None:
    place.write_site("")
    (place.spool / "ledger.sqlite").mkdir(parents=True)
    for command in (("status",), ("serve",)):
        done = place.command(*command)
        assert done.returncode == 5
        (line,) = done.stderr.splitlines()
        assert (json.loads(line)["code"], "ledger.sqlite cannot be used" in line) == ("ledger_unavailable", True)


@pytest.mark.parametrize("command", [("status",), ("studies", "--json"), ("show", "1"), ("hold", "1"), ("repair",)])
def test_a_spool_in_which_no_gateway_has_started_is_told_and_not_made(
    place: GatewayPlace, command: tuple[str, ...]
) -> None:
    done = place.command(*command)
    assert (done.returncode, done.stdout) == (10, "")
    assert f"setting spool is '{place.spool}'; allowed: a folder in which a gateway has started" in done.stderr
    assert not place.spool.exists()
