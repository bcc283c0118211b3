"""A carried file is opened only as far as `pack` writes one."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from fleet.channels.following import Follower
from fleet.offline.packing import CHANNEL, pack
from fleet.offline.unpacking import unpacked
from fleet.stores.folder import FolderStore
from tests.fixtures.fleets import digest, make_fleet, release_of
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess

PLAIN = RegistryAccess(plain_http=True)


def test_the_channel_in_a_file_is_the_one_of_the_office(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet")
    fleet.tell(release_of("canary", "1"), "anna")
    assert pack(fleet.office.folder, [release_of("canary", "1")], {}, tmp_path / "update.tar", PLAIN) == []
    again = tmp_path / "again.tar"
    pack(fleet.office.folder, [release_of("canary", "1")], {}, again, PLAIN)
    assert again.read_bytes() == (tmp_path / "update.tar").read_bytes()
    with unpacked(tmp_path / "update.tar", tmp_path / "carried") as folder:
        look = Follower(tmp_path / "memory", fleet.office.root_file).look(FolderStore(folder / CHANNEL), "canary")
    assert look.parts[0].images["engine"].digest == digest("1")
    assert not (tmp_path / "carried").exists()
    assert {each.name for each in tmp_path.iterdir()} == {"fleet", "update.tar", "again.tar", "memory"}


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_a_registry_out_of_reach_leaves_no_file(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet")
    parts = [release_of("canary", "1")]
    with pytest.raises(RegistryFailed, match=f"127.0.0.1:1/none@{digest('1')} cannot be pulled"):
        pack(fleet.office.folder, parts, {"engine": "127.0.0.1:1/none"}, tmp_path / "update.tar", PLAIN)
    assert [each.name for each in tmp_path.iterdir()] == ["fleet"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("channel/../../outside", tarfile.REGTYPE),
        ("/channel/absolute", tarfile.REGTYPE),
        ("other/file", tarfile.REGTYPE),
        ("channel", tarfile.REGTYPE),
        ("channel/link", tarfile.SYMTYPE),
        ("channel/link", tarfile.LNKTYPE),
        ("channel/device", tarfile.CHRTYPE),
    ],
)
def test_what_pack_does_not_write_is_refused_and_nothing_is_left(tmp_path: Path, name: str, kind: bytes) -> None:
    file = tmp_path / "update.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, "/etc/passwd", 1 if kind == tarfile.REGTYPE else 0
        tar.addfile(info, io.BytesIO(b"x"))
    with (
        pytest.raises(
            SettingInvalid, match=r"allowed: a file that `sidewall-fleet pack` wrote; .* is none of its files"
        ),
        unpacked(file, tmp_path / "carried"),
    ):
        raise AssertionError("it was opened")
    assert [each.name for each in tmp_path.iterdir()] == ["update.tar"]


def test_a_file_that_is_no_archive_or_is_cut_off_is_told(tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet")
    pack(fleet.office.folder, [], {}, tmp_path / "whole.tar", PLAIN)
    content = (tmp_path / "whole.tar").read_bytes()
    for name, damaged in (("none.tar", b"no archive" * 100), ("cut.tar", content[: len(content) // 3])):
        (tmp_path / name).write_bytes(damaged)
        with (
            pytest.raises(SettingInvalid, match="allowed: a file that `sidewall-fleet pack` wrote"),
            unpacked(tmp_path / name, tmp_path / "carried"),
        ):
            raise AssertionError("it was opened")
    assert not (tmp_path / "carried").exists()
