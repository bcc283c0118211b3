"""A result is in its folder whole, or the folder is as it was: full disks, kills, mounts, other files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sidewall import Artefact
from sidewall.case_folder import save_case

from tests.fixtures.disks import fill, mount, small_disk

EARLIER = ("findings.json", "inputs.json", "report.pdf", "keyimages/node_07.png")
LATER = ("findings.json", "report.pdf", "keyimages/node_01.png", "keyimages/node_02.png")

ALTERNATE = """
import sys
from pathlib import Path
from sidewall import Artefact
from sidewall.case_folder import save_case
folder = Path(sys.argv[1])
for turn in range(100_000):
    names = ("findings.json", "report.pdf", f"keyimages/node_{turn % 2:02d}.png")
    save_case([Artefact(name, "", str(turn).encode() * 500) for name in names], folder)
"""


def files(names: tuple[str, ...], content: bytes) -> list[Artefact]:
    return [Artefact(name, "", content) for name in names]


def found(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_earlier_result_leaves_in_the_step_in_which_the_new_one_comes(tmp_path: Path) -> None:
    case = tmp_path / "case"
    save_case(files(EARLIER, b"earlier"), case)
    before = case.stat().st_ino
    save_case(files(LATER, b"later"), case)
    assert found(case) == dict.fromkeys(LATER, b"later")
    # Another folder now has the name: nothing was changed in the one that had it.
    assert case.stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_a_new_folder_is_as_open_as_the_one_that_it_replaces(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    case.chmod(0o2750)
    save_case(files(LATER, b"later"), case)
    assert case.stat().st_mode & 0o7777 == 0o2750


def test_other_files_stay_and_the_earlier_result_goes(tmp_path: Path) -> None:
    save_case(files(EARLIER, b"earlier"), tmp_path)
    (tmp_path / "notes.txt").write_bytes(b"mine")
    save_case(files(LATER, b"later"), tmp_path)
    assert found(tmp_path) == {**dict.fromkeys(LATER, b"later"), "notes.txt": b"mine"}


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "case").symlink_to("real")
    save_case(files(LATER, b"later"), tmp_path / "case")
    assert (tmp_path / "case").is_symlink()
    assert found(tmp_path / "real") == dict.fromkeys(LATER, b"later")


@pytest.mark.parametrize("there", ["nothing", "a result", "a result and other files"])
def test_a_full_disk_leaves_the_folder_as_it_was(there: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk:
        case = disk / "case"
        if there != "nothing":
            save_case(files(EARLIER, b"earlier"), case)
        if there == "a result and other files":
            (case / "notes.txt").write_bytes(b"mine")
        before = found(disk)
        fill(disk, leave_kib=64)
        with pytest.raises(OSError, match="No space left on device"):
            save_case(files(LATER, bytes(40_000)), case)
        (disk / "others").unlink()
        assert found(disk) == before
        assert case.exists() == (there != "nothing")


def test_a_mount_point_takes_a_result_in_place(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk:
        save_case(files(EARLIER, b"earlier"), disk)
        save_case(files(LATER, b"later"), disk)
        assert found(disk) == dict.fromkeys(LATER, b"later")


def test_a_folder_in_one_that_may_not_be_written_takes_a_result_in_place(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk, small_disk(tmp_path / "case", 1024) as other:
        (disk / "case").mkdir()
        mount(disk / "case", "--bind", str(other))
        try:
            mount(disk, "-o", "remount,ro")
            save_case(files(EARLIER, b"earlier"), disk / "case")
            assert found(other) == dict.fromkeys(EARLIER, b"earlier")
        finally:
            subprocess.run(["umount", str(disk / "case")], check=True, timeout=60)


def test_a_kill_at_any_moment_leaves_one_whole_result(tmp_path: Path) -> None:
    case = tmp_path / "case"
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", ALTERNATE, str(case)])
        began = case.stat().st_ino if case.exists() else 0
        while not case.exists() or case.stat().st_ino == began:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        contents = found(case)
        assert len(set(contents.values())) == 1
        turn = int(contents["findings.json"][: len(contents["findings.json"]) // 500])
        assert sorted(contents) == ["findings.json", f"keyimages/node_{turn % 2:02d}.png", "report.pdf"]


def test_what_a_killed_process_left_hidden_goes_after_an_hour(tmp_path: Path) -> None:
    old, young = tmp_path / ".case.0badcafe.part", tmp_path / ".case.0badbeef.part"
    for each in (old, young):
        each.mkdir()
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    save_case(files(LATER, b"later"), tmp_path / "case")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "case"]
