"""The real commands as processes: what they print, what they write, how they end."""

import json
import shutil
from pathlib import Path

import pytest

from tests.fixtures.processes import TinyBundle, run_sidewall, running_server
from tests.fixtures.tiny_series import BAD_INPUTS


def test_analyze_prints_a_table_and_writes_the_results(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    done = run_sidewall(bundle, "analyze", series, "--bundle", bundle.path, "--out", tmp_path, "--case-id", "case 7")
    assert done.returncode == 0
    assert "case case 7: positive" in done.stdout
    assert "Research use only" in done.stdout
    assert json.loads((tmp_path / "findings.json").read_text())["status"] == "positive"
    assert (tmp_path / "segmentation.dcm").is_file()
    assert (tmp_path / "report.dcm").is_file()


def test_submit_gives_what_analyze_gives(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "series"), "zip", series)
    out = tmp_path / "here"
    local = run_sidewall(bundle, "analyze", archive, "--bundle", bundle.path, "--out", out, "--json")
    with running_server(bundle, tmp_path) as server:
        remote = run_sidewall(bundle, "submit", archive, "--server", server.address, "--json")
    here, there = json.loads(local.stdout), json.loads(remote.stdout)
    assert json.loads((out / "findings.json").read_text()) == here
    assert {**here, "timings_s": None} == {**there, "timings_s": None}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_ends_analyze_with_status_3_and_its_code(name: str, bundle: TinyBundle, tmp_path: Path) -> None:
    make, code = BAD_INPUTS[name]
    out = tmp_path / "out"
    done = run_sidewall(bundle, "analyze", make(tmp_path / "input"), "--bundle", bundle.path, "--out", out)
    assert done.returncode == 3
    assert f"refused ({code})" in done.stdout
    assert "Traceback" not in done.stderr
    assert json.loads((out / "findings.json").read_text())["status"] == "refused"


def test_bad_input_ends_submit_with_status_3_and_the_server_goes_on(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    make, code = BAD_INPUTS["missing_slice"]
    bad = make(tmp_path / "input")
    with running_server(bundle, tmp_path) as server:
        refused = run_sidewall(bundle, "submit", bad, "--server", server.address, "--out", tmp_path / "out")
        good = run_sidewall(bundle, "submit", series, "--server", server.address, "--json")
    assert refused.returncode == 3
    assert f"refused ({code})" in refused.stdout
    assert json.loads((tmp_path / "out" / "findings.json").read_text())["status"] == "refused"
    assert json.loads(good.stdout)["status"] == "positive"


def test_no_server_ends_submit_with_status_5(bundle: TinyBundle, series: Path) -> None:
    done = run_sidewall(bundle, "submit", series, "--server", "127.0.0.1:1")
    assert done.returncode == 5
    assert done.stderr.startswith("server_unreachable: ")


def make_damaged(bundle: TinyBundle, folder: Path) -> Path:
    """Return a copy of the bundle with one byte of a network changed."""
    damaged = Path(shutil.copytree(bundle.path, folder / "damaged"))
    network = damaged / "fold_0.onnx"
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)
    return damaged


def test_a_wrong_and_a_damaged_bundle_are_rejected_with_status_4(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    for bad, reason in ((series, "manifest.json"), (make_damaged(bundle, tmp_path), "fold_0.onnx")):
        for command in (("analyze", series, "--out", tmp_path / "out"), ("serve", "--listen", "127.0.0.1:0")):
            done = run_sidewall(bundle, *command, "--bundle", bad)
            assert done.returncode == 4
            assert "bundle_rejected: " in done.stderr
            assert reason in done.stderr
            assert "Traceback" not in done.stderr


def test_a_bundle_of_an_unknown_signer_is_rejected(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    stranger = TinyBundle(bundle.path, tmp_path)
    done = run_sidewall(stranger, "doctor", "--bundle", bundle.path)
    assert done.returncode == 4
    assert "FAIL  bundle: " in done.stdout


def test_doctor_tells_backends_bundle_and_golden_cases(bundle: TinyBundle) -> None:
    done = run_sidewall(bundle, "doctor", "--bundle", bundle.path, "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 0
    assert all(check["ok"] for check in checks.values())
    assert "tiny 1.0.0" in checks["bundle"]["text"]
    assert {"golden case on openvino-cpu", "golden case on onnxruntime-cpu"} <= set(checks)


def test_doctor_without_a_bundle_ends_with_status_4(bundle: TinyBundle) -> None:
    done = run_sidewall(bundle, "doctor")
    assert done.returncode == 4
    assert "FAIL  bundle: none is named" in done.stdout


def test_a_bad_setting_ends_with_status_2_and_as_json_on_wish(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    done = run_sidewall(bundle, "analyze", series, "--out", tmp_path, "--mode", "quick", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "setting_invalid"
    assert error["message"] == "setting mode is 'quick'; allowed: exact or fast"


@pytest.mark.parametrize("command", ["serve", "analyze", "submit", "doctor"])
def test_help_shows_an_example(command: str, bundle: TinyBundle) -> None:
    done = run_sidewall(bundle, command, "--help")
    assert done.returncode == 0
    assert f"Example: sidewall {command}" in done.stdout
