"""Packed bundles that are refused: nothing of them may ever lie anywhere."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from base.errors import SettingInvalid
from export.packing import pack_bundle
from runtime.bundle.packed import END, unpack_bundle
from tests.fixtures.bundles import make_tiny_bundle
from trust.errors import BundleRejected
from trust.signing import write_trusted_key

Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a packed bundle; `keys` beside it trust it."""
    folder = tmp_path_factory.mktemp("packed")
    make_tiny_bundle(folder)
    pack_bundle(folder / "tiny", folder / "tiny.tar", folder / "keys")
    return folder / "tiny.tar"


def _rejects(archive: Path, content: bytes, folder: Path, message: str, keys: Path | None = None) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "t.tar").write_bytes(content)
    with pytest.raises(BundleRejected, match=message):
        unpack_bundle(folder / "in" / "t.tar", folder / "out" / "copy", keys or archive.parent / "keys")
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / "in" / "t.tar"]
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())


def _written(archive: Path, change: Change) -> bytes:
    """Return the tar with its entries changed, written by Python's own module."""
    with tarfile.open(archive) as source:
        entries = [(entry, source.extractfile(entry).read()) for entry in source]  # type: ignore[union-attr]
    change(entries)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as target:
        for entry, content in entries:
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _add(name: str, kind: bytes = tarfile.REGTYPE, at: int | None = None, content: bytes = b"", **more: str) -> Change:
    def change(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entry = tarfile.TarInfo(name)
        entry.type = kind
        for field, value in more.items():
            setattr(entry, field, value)
        entries.insert(len(entries) if at is None else at, (entry, content))

    return change


@pytest.mark.parametrize("at", [0, 1, 2, 4, None])
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("/etc/cron.d/x", tarfile.REGTYPE, "'/etc/cron.d/x' in the packed bundle lies outside the bundle"),
        ("../../x", tarfile.REGTYPE, r"'\.\./\.\./x' in the packed bundle lies outside the bundle"),
        ("golden/../../x", tarfile.REGTYPE, "lies outside the bundle"),
        ("link", tarfile.SYMTYPE, "'link' in the packed bundle is a link"),
        ("link", tarfile.LNKTYPE, "'link' in the packed bundle is a link"),
        ("device", tarfile.CHRTYPE, "is a folder, a device or an extension of tar"),
        ("pipe", tarfile.FIFOTYPE, "is a folder, a device or an extension of tar"),
        ("folder", tarfile.DIRTYPE, "is a folder, a device or an extension of tar"),
        ("header", tarfile.XHDTYPE, "is a folder, a device or an extension of tar"),
        ("sparse", tarfile.GNUTYPE_SPARSE, "is a folder, a device or an extension of tar"),
        ("more.onnx", tarfile.REGTYPE, "'more.onnx' in the packed bundle (is not listed|stands where .* must be)"),
    ],
)
def test_a_hostile_entry_is_refused_wherever_it_stands(
    packed: Path, tmp_path: Path, name: str, kind: bytes, message: str, at: int | None
) -> None:
    _rejects(packed, _written(packed, _add(name, kind, at, linkname="/etc/passwd")), tmp_path, message)


def test_a_name_that_stands_twice_is_refused(packed: Path, tmp_path: Path) -> None:
    _rejects(packed, _written(packed, _add("fold_0.onnx")), tmp_path, "'fold_0.onnx' in the packed bundle stands there")


def test_a_file_that_is_missing_is_refused(packed: Path, tmp_path: Path) -> None:
    content = _written(packed, lambda entries: entries.__delitem__(-1))
    _rejects(packed, content, tmp_path, r"the packed bundle lacks golden/input\.npz")


@pytest.mark.parametrize(("index", "name"), [(0, "manifest.json"), (3, "fold_0.onnx")])
def test_bytes_beyond_those_signed_are_never_written(packed: Path, tmp_path: Path, index: int, name: str) -> None:
    def change(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entries[index] = (entries[index][0], entries[index][1] + bytes(8 << 20))

    wanted = rf"{name} of the bundle has \d+ bytes; (signed for|allowed:) \d+"
    _rejects(packed, _written(packed, change), tmp_path, wanted)


def test_an_altered_file_of_the_right_size_is_refused(packed: Path, tmp_path: Path) -> None:
    def change(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entries[3] = (entries[3][0], bytes(len(entries[3][1])))

    _rejects(packed, _written(packed, change), tmp_path, r"file fold_0\.onnx of the bundle was altered")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_packed_bundle_that_is_cut_off_is_refused(packed: Path, tmp_path: Path, share: float) -> None:
    content = packed.read_bytes()
    _rejects(packed, content[: int(share * len(content))], tmp_path, "the packed bundle is cut off at")


def test_what_follows_or_hides_between_the_files_is_refused(packed: Path, tmp_path: Path) -> None:
    content = bytearray(packed.read_bytes())
    (tmp_path / "a").mkdir()
    _rejects(packed, bytes(content) + b"\0", tmp_path / "a", "goes on after its end")
    (tmp_path / "b").mkdir()
    content[-len(END) - 1] = 1
    _rejects(packed, bytes(content), tmp_path / "b", r"hides bytes after golden/input\.npz")


@pytest.mark.parametrize("field", ["uid", "mtime", "mode"])
def test_a_tar_by_another_program_is_told_from_one_of_ours(packed: Path, tmp_path: Path, field: str) -> None:
    content = _written(packed, lambda entries: setattr(entries[4][0], field, 7))
    _rejects(packed, content, tmp_path, "has an owner, a time or a mode: not packed by sidewall-export")


@pytest.mark.parametrize("content", [b"PK\3\4" + bytes(600), b"\x1f\x8b" + b"x" * 600, b"-" * 600])
def test_what_is_no_tar_is_refused(packed: Path, tmp_path: Path, content: bytes) -> None:
    _rejects(packed, content, tmp_path, "is not a tar file, or a header in it is damaged")


def test_an_untrusted_bundle_writes_nothing_at_all(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    write_trusted_key(tmp_path / "others" / "o.pub", Ed25519PrivateKey.generate().public_key(), ["phantom"])
    with pytest.raises(BundleRejected, match="not trusted here"):
        unpack_bundle(packed, tmp_path / "new" / "copy", tmp_path / "others")
    assert not (tmp_path / "new").exists()


def test_a_target_that_is_taken_is_left_alone(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("keep me")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("taken", "taken/mine.txt", "link"):
        with pytest.raises(SettingInvalid, match="a folder that does not exist yet, or an empty one"):
            unpack_bundle(packed, tmp_path / name, packed.parent / "keys")
    assert (tmp_path / "taken" / "mine.txt").read_text() == "keep me"
    assert not (tmp_path / "elsewhere").exists()


def test_an_empty_folder_is_filled(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert unpack_bundle(packed, tmp_path / "empty", packed.parent / "keys").name == "tiny"


def test_no_archive_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleRejected, match="there is no packed bundle at"):
        unpack_bundle(tmp_path / "absent.tar", tmp_path / "out")
    with pytest.raises(BundleRejected, match="there is no packed bundle at"):
        unpack_bundle(tmp_path, tmp_path / "out")
