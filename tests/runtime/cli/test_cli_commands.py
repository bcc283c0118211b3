"""What the commands print and how they end, in the tests' own process."""

import json
import shutil
from pathlib import Path

import pytest

from base import __version__
from core.errors import RefusalCode
from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, failures
from tests.fixtures.tiny_series import BAD_INPUTS


def test_analyze_prints_a_table_and_writes_the_results(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path, "--case-id", "case 7")
    assert done.exit_code == 0
    assert json.loads((tmp_path / "findings.json").read_text())["case"]["case_id"] == "case 7"
    assert (tmp_path / "segmentation.dcm").is_file()
    assert (tmp_path / "report.dcm").is_file()


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_ends_analyze_with_status_3_and_its_code(
    name: str, run: Run, bundle: TinyBundle, tmp_path: Path
) -> None:
    make, code = BAD_INPUTS[name]
    if code is RefusalCode.SEVERAL_SERIES:
        # Here the one that fits best is looked for: two that fit alike tie.
        code = RefusalCode.TIED_SERIES
    out = tmp_path / "out"
    done = run("analyze", make(tmp_path / "input"), "--bundle", bundle.path, "--out", out, "--json")
    assert done.exit_code == 3
    findings = json.loads(done.stdout)
    assert findings["status"] == "refused"
    assert code in {reason["code"] for reason in findings["refusal"]}
    assert json.loads((out / "findings.json").read_text()) == findings


def make_damaged(bundle: TinyBundle, folder: Path) -> Path:
    """Return a copy of the bundle with one bit of a network changed."""
    damaged = Path(shutil.copytree(bundle.path, folder / "damaged"))
    network = damaged / "fold_0.onnx"
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)
    return damaged


def test_a_folder_that_is_no_bundle_is_rejected_with_status_4(run: Run, series: Path, tmp_path: Path) -> None:
    done = run("analyze", series, "--out", tmp_path, "--bundle", series)
    assert done.exit_code == 4
    assert done.stderr.startswith("bundle_rejected: ")
    assert "manifest.json" in done.stderr


def test_a_damaged_bundle_is_rejected_with_status_4(run: Run, bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    done = run("analyze", series, "--out", tmp_path, "--bundle", make_damaged(bundle, tmp_path))
    assert done.exit_code == 4
    assert done.stderr.startswith("bundle_rejected: ")
    assert "fold_0.onnx" in done.stderr


def test_a_bundle_of_an_unknown_signer_fails_the_doctor(
    run: Run, bundle: TinyBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(tmp_path))
    done = run("doctor", "--bundle", bundle.path)
    assert done.exit_code == 4
    assert "FAIL  bundle: " in done.stdout


def test_doctor_tells_backends_bundle_and_golden_cases(run: Run, bundle: TinyBundle) -> None:
    done = run("doctor", "--bundle", bundle.path, "--json")
    assert done.exit_code == 0
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert all(check["ok"] is True for check in checks.values())
    assert "tiny 1.0.0" in checks["bundle"]["text"]
    assert {"golden case on openvino-cpu", "golden case on onnxruntime-cpu"} <= set(checks)


def test_doctor_without_a_bundle_ends_with_status_4(run: Run) -> None:
    done = run("doctor")
    assert done.exit_code == 4
    assert "FAIL  bundle: none is named" in done.stdout


def test_no_server_ends_submit_with_status_5(run: Run, series: Path) -> None:
    done = run("submit", series, "--server", "127.0.0.1:1")
    assert done.exit_code == 5
    assert done.stderr.startswith(
        "server_unreachable: no connection to a Sidewall server at 127.0.0.1:1 (without TLS): "
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--server", "127.0.0.1"), "setting server is '127.0.0.1'; allowed: host:port, such as 127.0.0.1:50051"),
        (("--server", "box:1", "--tls-ca", "absent.pem"), "setting tls_ca is 'absent.pem'; allowed: a readable PEM"),
        (("--server", "box:1", "--tls-key", "absent.pem"), "setting tls_key is 'absent.pem'; allowed: a readable PEM"),
    ],
)
def test_a_bad_address_or_tls_file_ends_submit_with_status_2(
    options: tuple[str, ...], words: str, run: Run, series: Path
) -> None:
    done = run("submit", series, *options)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"setting_invalid: {words}")


def test_a_bad_setting_ends_with_status_2_and_as_json_on_wish(run: Run, series: Path, tmp_path: Path) -> None:
    done = run("analyze", series, "--out", tmp_path, "--mode", "quick", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "setting_invalid"
    assert error["message"] == "setting mode is 'quick'; allowed: exact or fast"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--threads", "banana"), "setting threads is 'banana'; allowed: a whole number"),
        (("--set", "max_waiting=many"), "setting max_waiting is 'many'; allowed: a whole number"),
    ],
)
def test_a_wrong_flag_stops_the_start_in_one_line_as_a_wrong_variable_does(
    options: tuple[str, ...], words: str, run: Run
) -> None:
    done = run("serve", *options)
    assert (done.exit_code, failures(done.stderr)) == (2, [f"setting_invalid: {words}"])


def test_analyze_without_a_bundle_says_how_to_name_one(run: Run, series: Path, tmp_path: Path) -> None:
    done = run("analyze", series, "--out", tmp_path)
    assert done.exit_code == 2
    assert "--bundle or SIDEWALL_BUNDLE" in done.stderr


@pytest.mark.parametrize("command", ["serve", "analyze", "submit", "score", "replay", "doctor"])
def test_a_misspelt_variable_ends_every_command_that_reads_the_environment_with_status_2(
    command: str, run: Run, series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDEWALL_SEVRER", "127.0.0.1:1")
    (tmp_path / "file").write_text("{}")
    given = {
        "analyze": (series, "--out", tmp_path / "out"),
        "submit": (series,),
        "score": ("--series", series, "--segmentation", tmp_path / "file", "--out", tmp_path / "out"),
        "replay": (tmp_path / "file",),
    }
    done = run(command, *given.get(command, ()))
    assert done.exit_code == 2
    said = failures(done.stderr)[0] if command == "serve" else done.stderr
    assert said.startswith("setting_invalid: no such setting: SIDEWALL_SEVRER (did you mean SIDEWALL_SERVER?)")


def test_submit_without_a_server_says_how_to_name_one(run: Run, series: Path) -> None:
    done = run("submit", series)
    assert done.exit_code == 2
    assert "--server or SIDEWALL_SERVER" in done.stderr


def test_an_output_folder_that_cannot_be_made_ends_with_status_2(run: Run, series: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "out", tmp_path / ("x" * 300)):
        done = run("analyze", series, "--out", out)
        assert done.exit_code == 2
        assert done.stderr.startswith("setting_invalid: setting out is ")


def test_a_command_that_fails_leaves_no_output_folder(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    failing: dict[tuple[object, ...], int] = {
        ("analyze", series, "--bundle", series): 4,
        ("analyze", series, "--bundle", bundle.path, "--backend", "abacus"): 2,
        ("submit", series, "--server", "127.0.0.1:1"): 5,
    }
    for command, status in failing.items():
        assert run(*command, "--out", tmp_path / "a" / "b").exit_code == status
        assert list(tmp_path.iterdir()) == []


def test_an_unexpected_error_shows_its_place_but_not_its_text(
    run: Run, series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("MILLER^ANNA")

    monkeypatch.setattr("runtime.analysis.analyzing.ModelOnDemand", fail)
    done = run("analyze", series, "--out", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith("internal_error: ZeroDivisionError in ")
    assert "MILLER" not in done.output


def test_the_version_is_a_command_and_an_option(run: Run) -> None:
    assert run("--version").stdout == run("version").stdout == f"{__version__}\n"


def test_help_says_what_analyze_chooses_from_and_a_server_does_not(run: Run) -> None:
    said = {name: " ".join(run(name, "--help").stdout.replace("│", "").split()) for name in ("analyze", "submit")}
    assert "of one series or of a whole study, of which the series that fits best is taken" in said["analyze"]
    assert "of one series, or a NIfTI or NRRD image; of several the server refuses to choose" in said["submit"]


@pytest.mark.parametrize("command", ["serve", "analyze", "submit", "doctor"])
def test_help_shows_an_example(command: str, run: Run) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"Example: sidewall {command}" in done.stdout


def test_a_file_that_a_fault_kept_from_being_written_is_told_and_the_exit_status_says_so(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("MILLER^ANNA")

    monkeypatch.setattr("runtime.results.segmentation_object.build_segmentation", fail)
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path)
    assert done.exit_code == 12
    assert "internal_error: ZeroDivisionError in " in done.stderr
    assert "segmentation.dcm was not written" in done.stderr
    assert "MILLER" not in done.output
    assert json.loads((tmp_path / "findings.json").read_text())["missing_files"] == ["segmentation.dcm"]
    assert (tmp_path / "report.dcm").exists()
