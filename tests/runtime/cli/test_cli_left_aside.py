"""Files that are left aside are named on the terminal, and in nothing that is kept or sent."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, run_sidewall, running_server
from tests.fixtures.series_variants import write_variant

NAME = "MILLER_ANNA.txt"


@pytest.fixture
def folder(tmp_path: Path, series: Path) -> Path:
    """Return a series with a text in a folder of its own."""
    shutil.copytree(series, tmp_path / "in")
    (tmp_path / "in" / "notes").mkdir()
    (tmp_path / "in" / "notes" / NAME).write_text("no image\n")
    return tmp_path / "in"


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_analyze_names_a_stray_to_the_terminal_alone(
    run: Run, bundle: TinyBundle, folder: Path, tmp_path: Path
) -> None:
    done = run("analyze", folder, "--bundle", bundle.path, "--out", tmp_path / "case", "--json")
    assert done.exit_code == 0, done.output
    assert f"left aside: notes/{NAME} (text)" in done.stderr
    assert "MILLER" not in done.stdout
    assert "1 text" in str(json.loads(done.stdout)["warnings"])
    assert b"MILLER" not in kept(tmp_path / "case")


def test_a_damaged_file_is_named_where_its_series_is_refused(
    run: Run, bundle: TinyBundle, folder: Path, tmp_path: Path
) -> None:
    (folder / "MILLER\x1b[2J.dcm").write_bytes(b"cut")
    done = run("analyze", folder, "--bundle", bundle.path, "--out", tmp_path / "case", "--json")
    assert done.exit_code == 3
    assert "left aside: MILLER\\x1b[2J.dcm (no readable DICOM image)" in done.stderr
    assert "MILLER" not in done.stdout
    assert b"MILLER" not in kept(tmp_path / "case")


def test_select_and_the_choice_of_one_of_several_series_name_them(
    run: Run, bundle: TinyBundle, folder: Path, tmp_path: Path
) -> None:
    write_variant(folder / "b", 7, ImageType=["DERIVED", "PRIMARY", "ADC"])
    chosen = run("select", folder, "--json")
    done = run("analyze", folder, "--bundle", bundle.path, "--out", tmp_path / "case")
    for ended in (chosen, done):
        assert ended.exit_code == 0, ended.output
        assert f"left aside: notes/{NAME} (other file)" in ended.stderr
        assert "MILLER" not in ended.stdout
    assert b"MILLER" not in kept(tmp_path / "case")


def test_what_submit_does_not_send_is_named_to_the_terminal_and_counted_by_the_server(
    bundle: TinyBundle, folder: Path, tmp_path: Path
) -> None:
    # The first name of all, so that whoever looks for NIfTI files meets it first.
    os.mkfifo(folder / "0000_MILLER")
    with running_server(bundle, tmp_path) as server:
        given = ("submit", folder, "--server", server.address, "--out", tmp_path / "case", "--json")
        done = run_sidewall(bundle, *given)
    assert done.returncode == 0, done.stderr
    assert "left aside: 0000_MILLER (special file)" in done.stderr
    assert f"left aside: notes/{NAME} (other file)" in done.stderr
    counted = "left aside, without a DICOM image: 1 other file, 1 special file"
    assert counted in json.loads(done.stdout)["warnings"]
    assert "MILLER" not in done.stdout
    assert b"MILLER" not in kept(tmp_path / "case")
    assert b"MILLER" not in (tmp_path / "server.log").read_bytes()


@pytest.mark.parametrize("command", ["analyze", "select", "submit"])
def test_a_pipe_in_the_place_of_a_series_is_refused_and_waited_for_by_nobody(
    command: str, bundle: TinyBundle, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    given = {
        "analyze": ("--bundle", bundle.path, "--out", tmp_path / "case"),
        "select": (),
        "submit": ("--server", "127.0.0.1:1"),
    }
    done = run_sidewall(bundle, command, tmp_path / "pipe", "--json", *given[command])
    assert done.returncode == 3, done.stderr
    assert "not_dicom" in done.stdout + done.stderr
