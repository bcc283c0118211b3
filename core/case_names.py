"""Names of cases: the caller's own, or a pseudonym that nothing can be read from."""

import hashlib
import hmac
from typing import Final

from base.errors import SettingInvalid

_MAX_CHARACTERS: Final = 64
"""Fits every DICOM text field it may go to (PS3.5, LO)."""


def checked_case_id(case_id: str | None) -> str | None:
    """Return the caller's name of a case, None for an empty one; raises `SettingInvalid` when DICOM cannot hold it."""
    if case_id and (len(case_id) > _MAX_CHARACTERS or not case_id.isprintable() or "\\" in case_id):
        # The value itself may be long or hold patient data: only its length is said.
        allowed = f"at most {_MAX_CHARACTERS} printable characters without a backslash"
        raise SettingInvalid("case_id", f"{len(case_id)} characters", allowed)
    return case_id or None


def keyed_hash(secret: str, *parts: str) -> str:
    """Return what only those who have the secret can tell the parts by: HMAC-SHA256, 32 hexadecimal digits.

    The length of every part goes in, so that two patients never share one by where a text ends.
    """
    message = "".join(f"{len(part)}:{part}" for part in parts).encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:32]


def pseudonym(salt: str, *parts: str | None) -> str:
    """Return a name that its parts cannot be read from: HMAC-SHA256 under the site's salt, shortened to 64 bits."""
    message = "|".join(part or "" for part in parts).encode()
    return "case-" + hmac.new(salt.encode(), message, hashlib.sha256).hexdigest()[:16]
