"""Ed25519 signatures over canonical JSON, and the keys that are trusted to make them (RFC 8032)."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trust.errors import BundleRejected

TrainedOn = Literal["phantom", "clinical"]
"""What a model was trained on, and what a key may vouch for."""

ALGORITHM: Final = "ed25519"
_SCOPE: Final = "trusted-for"
_DATES: Final = ("not-before", "not-after")
_PEM_BEGIN: Final = "-----BEGIN"
_MOST_SIGNATURES: Final = 16


@dataclass(frozen=True)
class TrustedKey:
    """A public key, the kind of bundle it may vouch for, and when."""

    key_id: str
    public_key: Ed25519PublicKey
    trusted_for: frozenset[str]
    """Values of the manifest's `trained_on`."""

    not_before: date | None = None
    """First day (UTC) on which the key counts; None sets no bound."""

    not_after: date | None = None
    """Last day (UTC) on which the key counts."""

    file: str = ""
    """Name of its file."""

    def is_valid_on(self, today: date) -> bool:
        """Tell whether the key counts on that day."""
        first, last = self.not_before or date.min, self.not_after or date.max
        return first <= today <= last

    def check_valid_on(self, today: date) -> None:
        """Raise `BundleRejected` when the key does not count on that day."""
        if self.not_after is not None and today > self.not_after:
            raise BundleRejected(f"key {self.key_id} expired: it counts until {self.not_after}, today is {today}")
        if self.not_before is not None and today < self.not_before:
            raise BundleRejected(f"key {self.key_id} counts only from {self.not_before}, today is {today}")


@dataclass(frozen=True)
class Signature:
    """One signature of manifest.sig."""

    key_id: str
    value: bytes


def canonical_json(mapping: Mapping[str, Any]) -> bytes:
    """Return UTF-8 JSON with sorted keys and no white space: the same bytes for the same content."""
    text = json.dumps(mapping, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return the first 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def make_signature(content: bytes, key: Ed25519PrivateKey) -> Signature:
    """Return the key's signature of the content."""
    return Signature(key_id_of(key.public_key()), key.sign(content))


def signature_text(signatures: Sequence[Signature]) -> str:
    """Return the text of manifest.sig: one object, or a list of them where several keys have signed."""
    entries = [
        {"algorithm": ALGORITHM, "key_id": each.key_id, "signature": base64.b64encode(each.value).decode()}
        for each in signatures
    ]
    return json.dumps(entries[0] if len(entries) == 1 else entries, indent=2) + "\n"


def sign(content: bytes, key: Ed25519PrivateKey) -> str:
    """Return the text of manifest.sig for the content, signed by one key."""
    return signature_text([make_signature(content, key)])


def parse_signatures(content: bytes) -> tuple[Signature, ...]:
    """Read manifest.sig; raises `BundleRejected` when it does not hold signatures of the known kind."""
    try:
        decoded = json.loads(content.decode())
        entries = decoded if isinstance(decoded, list) else [decoded]
        algorithms = [entry["algorithm"] for entry in entries]
        values = [base64.b64decode(entry["signature"], validate=True) for entry in entries]
        signatures = tuple(Signature(str(entry["key_id"]), value) for entry, value in zip(entries, values, strict=True))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleRejected("the bundle's signature file is damaged") from error
    unknown = [algorithm for algorithm in algorithms if algorithm != ALGORITHM]
    if unknown:
        raise BundleRejected(f"the bundle's signature is {unknown[0]!r}; allowed: {ALGORITHM!r}")
    if not 1 <= len(signatures) <= _MOST_SIGNATURES:
        raise BundleRejected(f"the bundle has {len(signatures)} signatures; allowed: 1 to {_MOST_SIGNATURES}")
    return signatures


def check_signature(content: bytes, signature: Signature, key: TrustedKey) -> None:
    """Raise `BundleRejected` when the signature is not the key's for this content."""
    try:
        key.public_key.verify(signature.value, content)
    except InvalidSignature as error:
        raise BundleRejected("the bundle's manifest was altered after it was signed") from error


def read_trusted_keys(folder: Path) -> tuple[TrustedKey, ...]:
    """Read every *.pub file of a folder, in order of name; raises `BundleRejected` on a file that is not a key."""
    return tuple(_parse_trusted_key(folder / name) for name in list_key_folder(folder) if is_key_file(name))


def read_trusted_key(path: Path) -> TrustedKey:
    """Read one public key with its scope and dates; raises `BundleRejected`."""
    return _parse_trusted_key(path)


def is_key_file(name: str) -> bool:
    """Return whether a file of that name in a folder of trusted keys is one of them."""
    return name.endswith(".pub")


def list_key_folder(folder: Path) -> list[str]:
    """Return the sorted names in a folder of trusted keys.

    Raises `BundleRejected` where it is absent and, in other words, where nobody may look what is in it: keys and
    revocations that cannot be seen are not taken for absent ones.
    """
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError as error:
        raise BundleRejected(f"the folder of trusted keys does not exist: {folder}") from error
    except OSError as error:
        said = f"cannot be looked into by the user of this process (uid {os.geteuid()}): {error.strerror}"
        raise BundleRejected(f"the folder of trusted keys {folder} {said}") from error


def write_trusted_key(
    path: Path,
    key: Ed25519PublicKey,
    trusted_for: Iterable[TrainedOn],
    not_before: date | None = None,
    not_after: date | None = None,
) -> None:
    """Write a public key, its scope and its dates as `read_trusted_keys` reads them."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    days = zip(_DATES, (not_before, not_after), strict=True)
    lines = [f"{_SCOPE}: {' '.join(sorted(trusted_for))}", *(f"{name}: {day}" for name, day in days if day)]
    path.write_text("\n".join(lines) + f"\n{pem}", encoding="utf-8")


def _parse_trusted_key(path: Path) -> TrustedKey:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BundleRejected(f"trusted key {path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BundleRejected(f"trusted key {path.name} is not a text file") from error
    head, begin, pem = text.partition(_PEM_BEGIN)
    headers = _parse_headers(path.name, head)
    words = frozenset(headers.get(_SCOPE, "").split())
    if not words or not words <= set(get_args(TrainedOn)):
        allowed = " ".join(get_args(TrainedOn))
        raise BundleRejected(f"trusted key {path.name} must begin with '{_SCOPE}:' and one or more of: {allowed}")
    try:
        key = serialization.load_pem_public_key((begin + pem).encode())
    except ValueError as error:
        raise BundleRejected(f"trusted key {path.name} is not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BundleRejected(f"trusted key {path.name} is not an Ed25519 key")
    days = {name.replace("-", "_"): _parse_day(path.name, name, headers.get(name)) for name in _DATES}
    return TrustedKey(key_id_of(key), key, words, **days, file=path.name)


def _parse_headers(file: str, head: str) -> dict[str, str]:
    """Return the `name: value` lines before the PEM block; a line that is not understood might be a limit."""
    headers = {}
    for line in head.splitlines():
        name, _, value = line.partition(":")
        if name not in (_SCOPE, *_DATES) or name in headers:
            allowed = ", ".join((_SCOPE, *_DATES))
            raise BundleRejected(f"trusted key {file} has the line {line!r} before its key; allowed, once: {allowed}")
        headers[name] = value.strip()
    return headers


def _parse_day(file: str, name: str, value: str | None) -> date | None:
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError as error:
        raise BundleRejected(f"trusted key {file} says {name}: {value}; allowed: a day such as 2027-01-31") from error
