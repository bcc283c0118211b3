"""A bundle that comes from elsewhere: verified while it is written to a fresh folder, and named only when whole."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from base.errors import SettingInvalid
from base.system_errors import system_error
from runtime.bundle.files import check_head_size, check_sha256, decode_manifest
from runtime.bundle.loading import Bundle, authenticate, check_references, load_bundle
from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry
from trust.errors import BundleRejected
from trust.trusted import read_trust


class BundleSource(Protocol):
    """Where a bundle comes from: an archive, a registry. What it gives is hostile until it was compared."""

    def head(self) -> tuple[bytes, bytes]:
        """Return the content of manifest.json and of manifest.sig; asked first."""
        ...

    def chunks(self, entry: FileEntry) -> Iterator[bytes]:
        """Return the content of one file; asked for every signed file once, in the order of their names."""
        ...

    def finish(self) -> None:
        """Raise `BundleRejected` when there is more than was asked for."""
        ...


def receive_bundle(
    source: BundleSource, target: Path, trusted_keys: Path | None = None, *, setting: str = "out"
) -> Bundle:
    """Write a bundle to a folder that does not exist yet, or is empty, and return it opened there.

    Manifest and signature are judged before anything is written, every file while it is written; then all is opened as
    at every start. Until that has passed the files lie in a hidden folder beside the target, which a failure takes
    away. Raises `BundleRejected` with the reason, `SystemFailed` when the target cannot be written, and
    `SettingInvalid` when it is taken or can be no folder; `setting` is what says where it lies.
    """
    _check_free(target, setting)
    manifest_bytes, signature_bytes = source.head()
    heads = {MANIFEST_NAME: manifest_bytes, SIGNATURE_NAME: signature_bytes}
    for name, content in heads.items():
        check_head_size(name, len(content))
    manifest, _ = authenticate(decode_manifest(manifest_bytes, signature_bytes), read_trust(trusted_keys))
    check_references(manifest)
    try:
        with _hidden_folder(target) as folder:
            for name, content in heads.items():
                _write(folder / name, iter([content]))
            for entry in sorted(manifest.files, key=lambda each: each.path):
                _write_signed(folder, entry, source.chunks(entry))
            source.finish()
            bundle = load_bundle(folder, trusted_keys)
            _sync_folders(folder)
            folder.rename(target)
            _sync_folders(target.parent, deep=False)
    except OSError as error:
        allowed = f"a folder that can be written ({error.strerror})"
        raise system_error(error, str(target)) or SettingInvalid(setting, str(target), allowed) from error
    return replace(bundle, path=target)


def _check_free(target: Path, setting: str) -> None:
    taken = target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir())))
    if taken:
        raise SettingInvalid(setting, str(target), "a folder that does not exist yet, or an empty one")


@contextmanager
def _hidden_folder(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        folder.chmod(0o755)  # The server that reads the bundle is another user than the one who fetched it.
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_signed(folder: Path, entry: FileEntry, chunks: Iterator[bytes]) -> None:
    """Write one file, and never a byte more than was signed."""
    path = folder / PurePosixPath(entry.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()

    def measured() -> Iterator[bytes]:
        """Pass the chunks on while their size and digest are taken."""
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > entry.bytes:
                raise BundleRejected(f"file {entry.path} of the bundle has more bytes than the {entry.bytes} signed")
            sha256.update(chunk)
            yield chunk
        if size != entry.bytes:
            raise BundleRejected(f"file {entry.path} of the bundle has {size} bytes; signed for {entry.bytes}")

    _write(path, measured())
    check_sha256(sha256.hexdigest(), entry)


def _write(path: Path, chunks: Iterator[bytes]) -> None:
    with path.open("xb") as stream:
        for chunk in chunks:
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folders(folder: Path, *, deep: bool = True) -> None:
    """Make names durable, so that a power cut leaves the whole bundle or none under its name."""
    below = [path for path in folder.rglob("*") if path.is_dir()] if deep else []
    for each in [*below, folder]:
        handle = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
