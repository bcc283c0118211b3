"""Whom this box trusts: its folders of public keys, and what was revoked there.

A folder of trusted keys holds *.pub files and may hold one `revoked.json`. Both belong to the administrator: who may
write the folder may add a key, so a list in it needs no signature of its own. What everyone may write is refused, or
noted where the folder is mounted read-only. A folder or list that cannot be looked at is never taken for an absent one.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from base.environment import TRUSTED_KEYS_VARIABLE
from base.exposure import find_exposure
from trust.errors import BundleRejected
from trust.fields import decode_object
from trust.signing import (
    Signature,
    TrainedOn,
    TrustedKey,
    check_signature,
    is_key_file,
    list_key_folder,
    read_trusted_keys,
)

REVOKED_NAME: Final = "revoked.json"
REVOKED_SCHEMA_VERSION: Final = "1"
KEY_ID: Final = re.compile(r"[0-9a-f]{16}")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

_PACKAGED_KEYS: Final = Path(__file__).parent / "trusted_keys"


@dataclass(frozen=True)
class Revocation:
    """That something is no longer trusted."""

    date: str
    """ISO day of the decision; it does not matter when a bundle was signed, since nobody can prove that."""

    reason: str


@dataclass(frozen=True)
class Revocations:
    """What is no longer trusted, by key id and by bundle digest."""

    keys: Mapping[str, Revocation] = field(default_factory=dict)
    bundles: Mapping[str, Revocation] = field(default_factory=dict)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types, as they stand in revoked.json."""
        return {
            "schema_version": REVOKED_SCHEMA_VERSION,
            "keys": [{"key_id": name} | vars(each) for name, each in sorted(self.keys.items())],
            "bundles": [{"digest": name} | vars(each) for name, each in sorted(self.bundles.items())],
        }


@dataclass(frozen=True)
class TrustStore:
    """The keys that count here, and what was revoked."""

    keys: tuple[TrustedKey, ...]
    revocations: Revocations
    notes: tuple[str, ...] = ()
    """What an administrator should know of the folders, though it refuses nothing."""

    def vouching_keys(
        self, content: bytes, digest: str, signatures: tuple[Signature, ...], today: date | None = None
    ) -> tuple[TrustedKey, ...]:
        """Return the keys whose signature of the content counts, at least one; `today` None asks the clock (UTC).

        Raises `BundleRejected` with the reason of every signature when none counts, and for a revoked digest.
        """
        revoked = self.revocations.bundles.get(digest)
        if revoked is not None:
            raise BundleRejected(f"the bundle {digest} was revoked on {revoked.date}: {revoked.reason}")
        good, reasons = list[TrustedKey](), list[str]()
        for signature in signatures:
            try:
                good.extend(self._check(content, signature, today or datetime.now(UTC).date()))
            except BundleRejected as error:
                reasons.append(str(error))
        if not good:
            raise BundleRejected("; ".join(reasons))
        return tuple(good)

    def _check(self, content: bytes, signature: Signature, today: date) -> list[TrustedKey]:
        """Return the entries of the key that signed; one key may stand in several files, for more uses or longer."""
        key_id = signature.key_id
        revoked = self.revocations.keys.get(key_id)
        if revoked is not None:
            raise BundleRejected(
                f"the bundle is signed with key {key_id}, which was revoked on {revoked.date}: {revoked.reason}"
            )
        entries = [key for key in self.keys if key.key_id == key_id]
        if not entries:
            raise BundleRejected(f"the bundle is signed with key {key_id}, which is not trusted here")
        check_signature(content, signature, entries[0])
        valid = [key for key in entries if key.is_valid_on(today)]
        if not valid:
            entries[-1].check_valid_on(today)
        return valid


def key_for(keys: tuple[TrustedKey, ...], trained_on: TrainedOn) -> TrustedKey:
    """Return the first key that may vouch for this kind of bundle; raises `BundleRejected` when none may."""
    for key in keys:
        if trained_on in key.trusted_for:
            return key
    said = "; ".join(f"key {key.key_id} is trusted only for: {', '.join(sorted(key.trusted_for))}" for key in keys)
    raise BundleRejected(f"the bundle is trained on {trained_on!r}; {said}")


def read_trust(folder: Path | None = None) -> TrustStore:
    """Return the keys and revocations of a folder.

    None reads those that ship with the runtime and those of the folder that the variable SIDEWALL_TRUSTED_KEYS names:
    either may revoke what the other trusts.
    """
    named = os.environ.get(TRUSTED_KEYS_VARIABLE)
    folders = [folder] if folder is not None else [_PACKAGED_KEYS, *([Path(named)] if named else [])]
    keys, revoked, notes = list[TrustedKey](), Revocations(), list[str]()
    for each in folders:
        keys += read_trusted_keys(each)
        notes += _check_exposure(each)
        more = read_revocations(each / REVOKED_NAME)
        revoked = Revocations({**revoked.keys, **more.keys}, {**revoked.bundles, **more.bundles})
    return TrustStore(tuple(keys), revoked, tuple(notes))


def read_revocations(path: Path) -> Revocations:
    """Read revoked.json; no file revokes nothing.

    Raises `BundleRejected` on one that is damaged or cannot be read, or where nobody may look whether there is one:
    nobody knows what it says.
    """
    try:
        # A link that leads nowhere is a list that cannot be read, not an absent one.
        path.lstat()
    except FileNotFoundError:
        return Revocations()
    except OSError as error:
        raise _unreadable_list(path, error.strerror) from error
    try:
        mapping = decode_object(path.read_bytes(), REVOKED_NAME)
    except OSError as error:
        raise _unreadable_list(path, error.strerror) from error
    except BundleRejected as error:
        raise _unreadable_list(path, str(error)) from error
    schema, wanted = mapping.get("schema_version"), {"schema_version", "keys", "bundles"}
    if schema != REVOKED_SCHEMA_VERSION or set(mapping) != wanted:
        allowed = f"schema_version {REVOKED_SCHEMA_VERSION!r}, keys, bundles"
        raise BundleRejected(f"{path} has schema_version {schema!r} and {sorted(mapping)}; allowed: {allowed}")
    return Revocations(
        keys=_entries(path, mapping["keys"], "key_id", KEY_ID),
        bundles=_entries(path, mapping["bundles"], "digest", DIGEST),
    )


def _entries(path: Path, listed: Any, name: str, pattern: re.Pattern[str]) -> dict[str, Revocation]:
    found = {}
    for entry in listed if isinstance(listed, list) else [listed]:
        whole = isinstance(entry, dict) and set(entry) == {name, "date", "reason"}
        if not whole or not all(isinstance(value, str) and value for value in entry.values()):
            raise BundleRejected(f"{path} has the entry {entry!r}; allowed: texts {name}, date and reason")
        if not pattern.fullmatch(entry[name]):
            raise BundleRejected(f"{path} has the {name} {entry[name]!r}; allowed: {pattern.pattern}")
        found[entry[name]] = Revocation(entry["date"], entry["reason"])
    return found


def _unreadable_list(path: Path, reason: str | None) -> BundleRejected:
    return BundleRejected(f"the list of what was revoked ({path}) cannot be read: {reason}")


def _check_exposure(folder: Path) -> list[str]:
    """Return a note for what every user may write on a read-only mount, by its mode.

    Raises `BundleRejected` where any user of the box could add a key or take back a revocation.
    """
    notes = []
    names = [name for name in list_key_folder(folder) if name == REVOKED_NAME or is_key_file(name)]
    for path in (folder, *(folder / name for name in names)):
        try:
            exposure = find_exposure(path)
        except OSError as error:
            raise BundleRejected(
                f"{path} decides whom this box trusts and cannot be looked at: {error.strerror}"
            ) from error
        if exposure is None:
            continue
        if not exposure.on_read_only_mount:
            said = f"{exposure.said}: chmod {exposure.remedy}"
            raise BundleRejected(f"{path} decides whom this box trusts and {said}")
        notes.append(f"of whom this box trusts: {exposure.note()}")
    return notes
