"""Write and sign the manifest of a bundle directory; the private key never leaves its own file."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.bundle.loading import MANIFEST_NAME, SIGNATURE_NAME
from runtime.bundle.manifest import FileEntry, Manifest
from runtime.bundle.signing import canonical_json, sign
from runtime.core.errors import SettingInvalid


def seal_bundle(folder: Path, manifest: Manifest, key: Ed25519PrivateKey) -> Manifest:
    """List every file of the folder in the manifest, write manifest.json and manifest.sig, return the manifest."""
    ours = {MANIFEST_NAME, SIGNATURE_NAME}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = [_entry(folder, path) for path in paths]
    sealed = replace(manifest, files=tuple(entry for entry in entries if entry.path not in ours))
    mapping = sealed.to_mapping()
    text = json.dumps(mapping, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")
    (folder / SIGNATURE_NAME).write_text(sign(canonical_json(mapping), key), encoding="utf-8")
    return sealed


def make_private_key(path: Path) -> Ed25519PrivateKey:
    """Make a key, write it readable by its owner only, and return it; refuses to overwrite one."""
    if path.exists():
        raise SettingInvalid("key", str(path), "a file that does not exist yet")
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(pem)
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key; raises `SettingInvalid` when the file is not an Ed25519 key."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise SettingInvalid("key", str(path), "a readable PEM file with an Ed25519 private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingInvalid("key", str(path), "an Ed25519 private key")
    return key


def _entry(folder: Path, path: Path) -> FileEntry:
    content = path.read_bytes()
    return FileEntry(path.relative_to(folder).as_posix(), hashlib.sha256(content).hexdigest(), len(content))
