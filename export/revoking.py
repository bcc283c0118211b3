"""Take back the trust in a key or a bundle: write revoked.json in a folder of trusted keys."""

import json
from dataclasses import replace
from pathlib import Path

from base.errors import SettingInvalid
from export.sealing import replace_file
from runtime.bundle.files import read_manifest
from trust.trusted import DIGEST, KEY_ID, REVOKED_NAME, Revocation, Revocations, read_revocations


def revoke(folder: Path, *, key_id: str | None, digest: str | None, revocation: Revocation) -> Revocations:
    """Add a key or a bundle to the list of a folder of trusted keys and return the list.

    What is on the list keeps its first day and reason. Raises `SettingInvalid` on a folder that is none, or an id or
    digest of another form: a typing error would revoke nothing.
    """
    if not folder.is_dir():
        raise SettingInvalid("trusted_keys", str(folder), "a folder of trusted keys")
    if not revocation.reason.strip():
        raise SettingInvalid("reason", revocation.reason, "a few words that operators will read")
    listed = read_revocations(folder / REVOKED_NAME)
    if key_id is not None:
        if not KEY_ID.fullmatch(key_id):
            raise SettingInvalid("key", key_id, "16 hexadecimal digits, as `sidewall-export keys` shows them")
        listed = replace(listed, keys={key_id: revocation} | dict(listed.keys))
    if digest is not None:
        if not DIGEST.fullmatch(digest):
            raise SettingInvalid("bundle", digest, "a folder with a bundle, or sha256: and 64 hexadecimal digits")
        listed = replace(listed, bundles={digest: revocation} | dict(listed.bundles))
    replace_file(folder / REVOKED_NAME, json.dumps(listed.to_mapping(), indent=2, ensure_ascii=False) + "\n")
    return listed


def digest_of(bundle: str) -> str:
    """Return the digest that a text gives, or that of the bundle in the folder it names, signed or not."""
    return read_manifest(Path(bundle), signed=False).digest if Path(bundle).is_dir() else bundle
