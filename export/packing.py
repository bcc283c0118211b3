"""A bundle directory as one tar file."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from base.errors import SettingInvalid
from base.system_errors import system_error
from runtime.bundle.files import read_file
from runtime.bundle.loading import load_bundle
from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME
from runtime.bundle.packed import END, padding, tar_header


def pack_bundle(bundle: Path, out: Path, trusted_keys: Path | None = None) -> str:
    """Write a bundle as one tar file, the same bytes for the same bundle, and return the file's SHA-256.

    What no box would open is not packed: raises `BundleRejected` when the bundle is not sound or not trusted here.
    """
    if out.resolve().is_relative_to(bundle.resolve()):
        raise SettingInvalid("out", str(out), "a file outside the bundle")
    sha256 = hashlib.sha256()
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as stream:
            for chunk in _blocks(bundle, trusted_keys):
                sha256.update(chunk)
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(out)
    except OSError as error:
        allowed = f"a file that can be written ({error.strerror})"
        raise system_error(error, str(out)) or SettingInvalid("out", str(out), allowed) from error
    finally:
        part.unlink(missing_ok=True)
    return sha256.hexdigest()


def _blocks(folder: Path, trusted_keys: Path | None) -> Iterator[bytes]:
    bundle = load_bundle(folder, trusted_keys)
    for name in (MANIFEST_NAME, SIGNATURE_NAME):
        content = (folder / name).read_bytes()
        yield tar_header(name, len(content)) + content + padding(len(content))
    for entry in sorted(bundle.manifest.files, key=lambda each: each.path):
        yield tar_header(entry.path, entry.bytes) + read_file(folder, entry) + padding(entry.bytes)
    yield END
