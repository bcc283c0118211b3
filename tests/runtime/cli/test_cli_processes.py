"""The real commands as processes: analyze, and submit to a real server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fixtures.processes import SIDEWALL, TinyBundle, failures, run_sidewall, running_server
from tests.fixtures.signals import HEEDING_CTRL_C
from tests.fixtures.tiny_series import BAD_INPUTS


def test_analyze_and_submit_give_the_same_and_write_it(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "series"), "zip", series)
    here, there = tmp_path / "here", tmp_path / "there"
    local = run_sidewall(bundle, "analyze", archive, "--bundle", bundle.path, "--out", here, "--json")
    make_bad, code = BAD_INPUTS["missing_slice"]
    with running_server(bundle, tmp_path) as server:
        refused = run_sidewall(bundle, "submit", make_bad(tmp_path / "bad"), "--server", server.address, "--out", there)
        assert refused.returncode == 3
        assert f"refused ({code})" in refused.stdout
        assert json.loads((there / "findings.json").read_text())["status"] == "refused"
        remote = run_sidewall(bundle, "submit", archive, "--server", server.address, "--out", there)
    assert (local.returncode, remote.returncode) == (0, 0)
    # Whichever test of a process comes first finds no engine stored.
    assert [line for line in local.stderr.splitlines() if "building the engine" not in line] == []
    assert "positive" in remote.stdout
    results = [json.loads((folder / "findings.json").read_text()) for folder in (here, there)]
    assert results[0] == json.loads(local.stdout)
    of_the_run = {"timings_s": None, "analysed_at": None}
    assert {**results[0], **of_the_run} == {**results[1], **of_the_run}
    names = [sorted(path.name for path in folder.rglob("*")) for folder in (here, there)]
    assert names[0] == names[1]


def test_serve_ends_with_status_4_on_a_damaged_bundle(bundle: TinyBundle, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(bundle.path, tmp_path / "damaged"))
    (damaged / "fold_0.onnx").write_bytes(b"damaged")
    done = run_sidewall(bundle, "serve", "--bundle", damaged, "--listen", "127.0.0.1:0")
    assert done.returncode == 4
    (said,) = failures(done.stderr)
    assert said.startswith("bundle_rejected: ")
    assert "Traceback" not in done.stderr


def test_a_port_in_use_ends_serve_with_a_passing_status_and_nothing_but_our_words(bundle: TinyBundle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        done = run_sidewall(bundle, "serve", "--bundle", bundle.path, "--listen", listen)
    assert done.returncode == 9
    allowed = "an address of this machine with a port that is free (address already in use)"
    assert failures(done.stderr) == [f"address_unavailable: setting listen is '{listen}'; allowed: {allowed}"]


def test_a_server_that_speaks_no_tls_leaves_nothing_but_our_words(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    with running_server(bundle, tmp_path) as server:
        done = run_sidewall(bundle, "submit", series, "--server", server.address, "--tls")
    assert done.returncode == 5
    assert done.stderr.startswith(f"server_unreachable: no connection to a Sidewall server at {server.address} ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["analyze", "submit"])
def test_a_name_that_does_not_fit_dicom_is_a_bad_setting(
    command: str, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    where = ("--bundle", bundle.path) if command == "analyze" else ("--server", "127.0.0.1:1")
    done = run_sidewall(bundle, command, series, *where, "--out", tmp_path / "out", "--case-id", "x" * 65)
    assert done.returncode == 2
    assert "case_id is '65 characters'; allowed: at most 64 printable characters" in done.stderr


def test_ctrl_c_ends_with_status_6_and_says_so(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    # A pipe as the earlier study: whoever can open it for writing knows that the command is at work and waits.
    os.mkfifo(tmp_path / "pipe")
    command = [str(SIDEWALL), "analyze", str(series), "--bundle", str(bundle.path), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [*HEEDING_CTRL_C, *command, "--prior", str(tmp_path / "pipe")],
        env=bundle.environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    pipe = _open_once_read(tmp_path / "pipe", process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    os.close(pipe)
    assert process.returncode == 6
    assert said.strip() == "cancelled: stopped by Ctrl-C"
    assert not (tmp_path / "out").exists()


def test_sigterm_while_the_model_loads_ends_the_server_before_it_serves(bundle: TinyBundle, tmp_path: Path) -> None:
    command = [str(SIDEWALL), "serve", "--bundle", str(bundle.path), "--listen", "127.0.0.1:0"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=bundle.environment, stderr=log)
    while "listening" not in (tmp_path / "log").read_text():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    # What becomes of each fold's engine may be told by the loading, which goes on beside until the process ends.
    assert [event for event in events if event != "engine"] == ["threads", "listening", "stopping", "stopped"]


def _open_once_read(pipe: Path, process: subprocess.Popen[str]) -> int:
    """Return a descriptor to write to a pipe, as soon as the process reads from it."""
    while process.poll() is None:
        # The error without a reader is ENXIO: no such device or address.
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.01)
    raise AssertionError(process.communicate())
