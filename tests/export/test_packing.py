import os
import tarfile
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from export.packing import pack_bundle
from runtime.bundle.loading import load_bundle
from runtime.bundle.packed import unpack_bundle
from tests.fixtures.bundles import make_tiny_bundle
from trust.errors import BundleRejected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a good bundle in `tiny` and the keys that trust it in `keys`."""
    make_tiny_bundle(tmp_path)
    return tmp_path


def test_a_bundle_comes_back_as_it_was(folder: Path) -> None:
    pack_bundle(folder / "tiny", folder / "tiny.tar", folder / "keys")
    bundle = unpack_bundle(folder / "tiny.tar", folder / "out" / "copy", folder / "keys")
    assert bundle.path == folder / "out" / "copy"
    assert bundle == load_bundle(folder / "out" / "copy", folder / "keys")
    files = sorted(path.relative_to(folder / "tiny") for path in (folder / "tiny").rglob("*") if path.is_file())
    assert sorted(path.relative_to(bundle.path) for path in bundle.path.rglob("*") if path.is_file()) == files
    for path in files:
        assert (bundle.path / path).read_bytes() == (folder / "tiny" / path).read_bytes()
    assert [path.name for path in (folder / "out").iterdir()] == ["copy"]
    assert bundle.path.stat().st_mode & 0o777 == 0o755


def test_the_same_bundle_gives_the_same_bytes_whoever_packs_it_when(folder: Path) -> None:
    first = pack_bundle(folder / "tiny", folder / "a.tar", folder / "keys")
    for path in (folder / "tiny").rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    assert pack_bundle(folder / "tiny", folder / "b.tar", folder / "keys") == first
    assert (folder / "a.tar").read_bytes() == (folder / "b.tar").read_bytes()


def test_other_programs_read_the_tar(folder: Path) -> None:
    pack_bundle(folder / "tiny", folder / "tiny.tar", folder / "keys")
    with tarfile.open(folder / "tiny.tar") as archive:
        assert archive.getnames() == [
            "manifest.json",
            "manifest.sig",
            "MODEL_CARD.md",
            "fold_0.onnx",
            "fold_1.onnx",
            "golden/expected.npz",
            "golden/input.npz",
        ]
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in archive} == {
            (0, 0, 0, "", 0o644)
        }


def test_what_no_box_would_open_is_not_packed(folder: Path) -> None:
    (folder / "tar").mkdir()
    with pytest.raises(BundleRejected, match="not trusted here"):
        pack_bundle(folder / "tiny", folder / "tar" / "tiny.tar")
    (folder / "tiny" / "more").write_text("")
    with pytest.raises(BundleRejected, match="'more' lies in the bundle and is not listed"):
        pack_bundle(folder / "tiny", folder / "tar" / "tiny.tar", folder / "keys")
    assert not list((folder / "tar").iterdir())


def test_a_tar_inside_the_bundle_or_nowhere_is_refused(folder: Path) -> None:
    with pytest.raises(SettingInvalid, match="a file outside the bundle"):
        pack_bundle(folder / "tiny", folder / "tiny" / "tiny.tar", folder / "keys")
    with pytest.raises(SettingInvalid, match=r"a file that can be written \(No such file"):
        pack_bundle(folder / "tiny", folder / "absent" / "tiny.tar", folder / "keys")
