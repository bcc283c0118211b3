"""Ed25519 signatures over canonical JSON, and the keys that are trusted to make them (RFC 8032)."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from runtime.bundle.manifest import TrainedOn
from runtime.core.errors import BundleRejected

ALGORITHM: Final = "ed25519"
_SCOPE_PREFIX: Final = "trusted-for:"


@dataclass(frozen=True)
class TrustedKey:
    """A public key and the kind of bundle it may vouch for."""

    key_id: str
    public_key: Ed25519PublicKey
    trusted_for: frozenset[str]
    """Values of the manifest's `trained_on`."""


@dataclass(frozen=True)
class Signature:
    """What stands in manifest.sig."""

    key_id: str
    value: bytes


def canonical_json(mapping: Mapping[str, Any]) -> bytes:
    """Return UTF-8 JSON with sorted keys and no white space: the same bytes for the same content."""
    text = json.dumps(mapping, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return the first 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(content: bytes, key: Ed25519PrivateKey) -> str:
    """Return the text of manifest.sig for the content."""
    entry = {
        "algorithm": ALGORITHM,
        "key_id": key_id_of(key.public_key()),
        "signature": base64.b64encode(key.sign(content)).decode(),
    }
    return json.dumps(entry, indent=2) + "\n"


def parse_signature(text: str) -> Signature:
    """Read manifest.sig; raises `BundleRejected` when it is not a signature of the known kind."""
    try:
        entry = json.loads(text)
        algorithm, key_id = entry["algorithm"], str(entry["key_id"])
        value = base64.b64decode(entry["signature"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleRejected("the bundle's signature file is damaged") from error
    if algorithm != ALGORITHM:
        raise BundleRejected(f"the bundle's signature is {algorithm!r}; allowed: {ALGORITHM!r}")
    return Signature(key_id, value)


def verify(content: bytes, signature: Signature, trained_on: TrainedOn, trusted: Iterable[TrustedKey]) -> TrustedKey:
    """Return the trusted key that signed the content.

    Raises `BundleRejected` when the key is not trusted, not trusted for this kind of bundle, or the content was
    changed after signing.
    """
    key = next((key for key in trusted if key.key_id == signature.key_id), None)
    if key is None:
        raise BundleRejected(f"the bundle is signed with key {signature.key_id}, which is not trusted here")
    try:
        key.public_key.verify(signature.value, content)
    except InvalidSignature as error:
        raise BundleRejected("the bundle's manifest was altered after it was signed") from error
    if trained_on not in key.trusted_for:
        scope = ", ".join(sorted(key.trusted_for))
        raise BundleRejected(f"the bundle is trained on {trained_on!r}; key {key.key_id} is trusted only for: {scope}")
    return key


def read_trusted_keys(folder: Path) -> tuple[TrustedKey, ...]:
    """Read every *.pub file of a folder, in order of name; raises `BundleRejected` on a file that is not a key."""
    if not folder.is_dir():
        raise BundleRejected(f"the folder of trusted keys does not exist: {folder}")
    return tuple(_parse_trusted_key(path) for path in sorted(folder.glob("*.pub")))


def write_trusted_key(path: Path, key: Ed25519PublicKey, trusted_for: Iterable[TrainedOn]) -> None:
    """Write a public key and its scope as `read_trusted_keys` reads them."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    path.write_text(f"{_SCOPE_PREFIX} {' '.join(sorted(trusted_for))}\n{pem}", encoding="utf-8")


def _parse_trusted_key(path: Path) -> TrustedKey:
    scope, _, pem = path.read_text(encoding="utf-8").partition("\n")
    words = frozenset(scope.removeprefix(_SCOPE_PREFIX).split())
    if not scope.startswith(_SCOPE_PREFIX) or not words or not words <= set(get_args(TrainedOn)):
        allowed = " ".join(get_args(TrainedOn))
        raise BundleRejected(f"trusted key {path.name} must begin with '{_SCOPE_PREFIX}' and one or more of: {allowed}")
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError as error:
        raise BundleRejected(f"trusted key {path.name} is not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BundleRejected(f"trusted key {path.name} is not an Ed25519 key")
    return TrustedKey(key_id_of(key), key, words)
