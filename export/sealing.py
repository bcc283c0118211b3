"""Write and sign the manifest of a bundle directory; the private key never leaves its own file."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.bundle.files import SignedManifest, read_manifest
from runtime.bundle.loading import check_content
from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry, Manifest
from runtime.bundle.manifest_reading import parse_manifest
from trust.signing import canonical_json, key_id_of, make_signature, sign, signature_text


def seal_bundle(folder: Path, manifest: Manifest, key: Ed25519PrivateKey | None) -> Manifest:
    """List every file of the folder in the manifest, write manifest.json and manifest.sig, return the manifest.

    Without a key the bundle stays unsigned, to be signed where the key is (`sign_bundle`). Raises `BundleRejected` when
    no runtime would open it, and signs nothing then.
    """
    ours = {MANIFEST_NAME, SIGNATURE_NAME}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = [_entry(folder, path) for path in paths]
    sealed = replace(manifest, files=tuple(entry for entry in entries if entry.path not in ours))
    mapping = sealed.to_mapping()
    text = json.dumps(mapping, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")
    (folder / SIGNATURE_NAME).unlink(missing_ok=True)
    check_content(folder, parse_manifest(mapping))
    if key is not None:
        (folder / SIGNATURE_NAME).write_text(sign(canonical_json(mapping), key), encoding="utf-8")
    return sealed


def sign_bundle(folder: Path, key: Ed25519PrivateKey, *, only: bool = False) -> SignedManifest:
    """Sign a bundle as it lies there, beside the signatures of other keys or (`only`) in place of them.

    Whoever signs vouches for the content: raises `BundleRejected` unless every file is as listed and nothing else lies
    in the folder. Whether the other signatures are good is for those to judge who trust their keys.
    """
    signed = read_manifest(folder, signed=False)
    check_content(folder, parse_manifest(signed.mapping))
    own = key_id_of(key.public_key())
    others = [] if only else [each for each in signed.signatures if each.key_id != own]
    signatures = (*others, make_signature(signed.content, key))
    replace_file(folder / SIGNATURE_NAME, signature_text(signatures))
    return replace(signed, signatures=signatures)


def replace_file(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new content, never a part."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _entry(folder: Path, path: Path) -> FileEntry:
    content = path.read_bytes()
    return FileEntry(path.relative_to(folder).as_posix(), hashlib.sha256(content).hexdigest(), len(content))
