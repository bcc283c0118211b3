"""Files that belong together are all in their folder, or none of them is."""

from pathlib import Path

import pytest

from base.storage import write_trial, written_aside
from tests.fixtures.disks import fill, small_disk


def test_files_take_the_place_of_earlier_ones_when_all_are_written(tmp_path: Path) -> None:
    (tmp_path / "map.nii").write_bytes(b"earlier")
    with written_aside(tmp_path) as aside:
        (aside / "map.nii").write_bytes(b"later")
        (aside / "map.ctbl").write_bytes(b"colours")
        assert (tmp_path / "map.nii").read_bytes() == b"earlier"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "map.nii": b"later",
        "map.ctbl": b"colours",
    }


def write_two(folder: Path) -> None:
    with written_aside(folder) as aside:
        (aside / "map.nii").write_bytes(bytes(8192))
        (aside / "map.ctbl").write_bytes(bytes(100_000))


def test_a_full_disk_leaves_the_earlier_files_as_they_were(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 256) as disk:
        (disk / "map.nii").write_bytes(b"earlier")
        fill(disk, leave_kib=64)
        write_trial(disk, 4096)
        with pytest.raises(OSError, match="No space left on device"):
            write_two(disk)
        assert {path.name for path in disk.iterdir()} == {"map.nii", "others"}
        assert (disk / "map.nii").read_bytes() == b"earlier"
        with pytest.raises(OSError, match="No space left on device"):
            write_trial(disk, 100_000)
        assert {path.name for path in disk.iterdir()} == {"map.nii", "others"}
