"""Files that are left aside are named on the terminal, and in nothing that is kept or sent."""

import json
import shutil
from pathlib import Path

import pytest

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle
from tests.runtime.cli.test_cli_selecting import write_variant

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
