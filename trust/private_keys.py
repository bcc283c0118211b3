"""Private keys in files of their own: Ed25519, PEM (PKCS #8), readable by their owner only."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from base.errors import SettingInvalid


def make_private_key(path: Path) -> Ed25519PrivateKey:
    """Make a key, write it readable by its owner only, and return it; refuses to overwrite one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SettingInvalid("key", str(path), "a file that does not exist yet") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(pem)
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key; raises `SettingInvalid` when the file is not an Ed25519 key."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingInvalid("key", str(path), "a readable PEM file with an Ed25519 private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingInvalid("key", str(path), "an Ed25519 private key")
    return key
