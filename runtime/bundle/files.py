"""The files of a bundle directory: read only as signed, and none beside them."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry, Manifest
from trust.errors import BundleRejected
from trust.fields import decode_object
from trust.signing import Signature, canonical_json, parse_signatures

HEAD_LIMITS: Final = {MANIFEST_NAME: 4 << 20, SIGNATURE_NAME: 64 << 10}
"""Most bytes of what is read before anything is trusted."""

_NO_PLAIN_FILE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)
"""What opening says where nothing lies, or a link or a socket; anything else is a file that cannot be read."""


@dataclass(frozen=True)
class SignedManifest:
    """A decoded manifest and who claims to have signed it; nothing in it is trusted yet."""

    mapping: dict[str, Any]
    content: bytes
    """Canonical JSON: what is signed."""

    signatures: tuple[Signature, ...]

    @property
    def digest(self) -> str:
        """sha256:... of the canonical JSON, by which the bundle is known and revoked."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


def decode_manifest(manifest: bytes, signature: bytes | None) -> SignedManifest:
    """Decode the content of manifest.json and manifest.sig; None stands for a bundle without signature."""
    mapping = decode_object(manifest, MANIFEST_NAME)
    try:
        content = canonical_json(mapping)
    except (ValueError, RecursionError) as error:
        raise BundleRejected(f"{MANIFEST_NAME} of the bundle is not whole JSON: {error}") from error
    return SignedManifest(mapping, content, () if signature is None else parse_signatures(signature))


def read_manifest(path: Path, *, signed: bool = True) -> SignedManifest:
    """Read manifest.json and manifest.sig of a directory; `signed` False does without a signature."""
    _require_folder(path)
    manifest = _read_head(path, MANIFEST_NAME, "it is not a bundle")
    wanted = signed or _is_there(path / SIGNATURE_NAME)
    return decode_manifest(manifest, _read_head(path, SIGNATURE_NAME, "it is not signed") if wanted else None)


def _require_folder(path: Path) -> None:
    """Raise `BundleRejected` where there is no folder, and in other words where it cannot be looked into."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        is_folder = False
    except PermissionError as error:
        raise _unreadable(f"what lies at {path}") from error
    except OSError as error:
        raise BundleRejected(f"what lies at {path} cannot be looked at: {error.strerror}") from error
    if not is_folder:
        raise BundleRejected(f"there is no bundle at {path}")
    if not os.access(path, os.R_OK | os.X_OK, effective_ids=True):
        raise _unreadable(f"the folder {path}")


def _is_there(path: Path) -> bool:
    """Return whether something lies there, a link that leads nowhere too; raises `BundleRejected` if none may look."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BundleRejected(f"nobody knows whether {path} is there: {error.strerror}") from error
    return True


def check_nothing_else(path: Path, manifest: Manifest) -> None:
    """Raise `BundleRejected` on a link, a device, or a file or folder that the manifest does not list.

    What nobody signed must not lie where a later version, a backend or a person may take it for part of the bundle.
    """
    files = {MANIFEST_NAME, SIGNATURE_NAME, *(entry.path for entry in manifest.files)}
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    for entry, name in _walk(path, ""):
        if entry.is_symlink():
            raise BundleRejected(f"{name!r} in the bundle is a symbolic link; allowed: plain files and folders")
        known = folders if entry.is_dir(follow_symlinks=False) else files
        if name not in known:
            raise BundleRejected(f"{name!r} lies in the bundle and is not listed in its manifest")
        if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
            raise BundleRejected(f"{name!r} in the bundle is a device or pipe; allowed: plain files and folders")


def read_file(path: Path, entry: FileEntry) -> bytes:
    """Return the content of one file of the bundle; raises `BundleRejected` when it is not as signed."""
    found = _read_plain(path / PurePosixPath(entry.path), entry.bytes)
    if found is None:
        raise BundleRejected(f"file {entry.path} of the bundle is missing")
    size, content = found
    if size != entry.bytes:
        raise BundleRejected(f"file {entry.path} of the bundle has {size} bytes; signed for {entry.bytes}")
    check_sha256(hashlib.sha256(content).hexdigest(), entry)
    return content


def check_sha256(sha256: str, entry: FileEntry) -> None:
    """Raise `BundleRejected` when a file's hash is not the signed one."""
    if sha256 != entry.sha256:
        raise BundleRejected(f"file {entry.path} of the bundle was altered: its SHA-256 is not the signed one")


def _read_head(path: Path, name: str, lack: str) -> bytes:
    found = _read_plain(path / name, HEAD_LIMITS[name])
    if found is None:
        raise BundleRejected(f"the bundle at {path} has no {name}: {lack}")
    size, content = found
    check_head_size(name, size)
    return content


def check_head_size(name: str, size: int) -> None:
    """Raise `BundleRejected` when manifest.json or manifest.sig is too long to be read before it is trusted."""
    if size > HEAD_LIMITS[name]:
        raise BundleRejected(f"{name} of the bundle has {size} bytes; allowed: {HEAD_LIMITS[name]}")


def _read_plain(file: Path, limit: int) -> tuple[int, bytes] | None:
    """Return the size of a plain file and its first bytes up to a limit, or None where no plain file is.

    All is asked of the open file: what is put in its place meanwhile, a link or a pipe, is not followed. Raises
    `BundleRejected` where a file is that cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        raise _unreadable(f"file {file.name} of the bundle") from error
    except OSError as error:
        if error.errno in _NO_PLAIN_FILE:
            return None
        raise _broken(file, error) from error
    with os.fdopen(handle, "rb") as stream:
        try:
            status = os.fstat(handle)
            return (status.st_size, stream.read(limit)) if stat.S_ISREG(status.st_mode) else None
        except OSError as error:
            raise _broken(file, error) from error


def _broken(file: Path, error: OSError) -> BundleRejected:
    return BundleRejected(f"file {file.name} of the bundle cannot be read: {error.strerror}")


def _unreadable(what: str) -> BundleRejected:
    return BundleRejected(f"{what} may not be read by the user of this process (uid {os.geteuid()})")


def _walk(folder: Path, prefix: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    try:
        listing = os.scandir(folder)
    except PermissionError as error:
        raise _unreadable(f"the folder {folder}") from error
    except OSError as error:
        raise BundleRejected(f"the folder {folder} cannot be looked into: {error.strerror}") from error
    with listing as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            yield entry, prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
