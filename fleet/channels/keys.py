"""Keys of people who sign channels, as files: the private one for its owner alone, the public one beside it."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from base.errors import SettingInvalid
from trust.private_keys import make_private_key, read_private_key


def make_key_pair(path: Path) -> Path:
    """Make a private key at the path, its public key at the path with `.pub` added, and return that.

    Raises `SettingInvalid` where a key lies there.
    """
    write_public_key(path.with_name(f"{path.name}.pub"), make_private_key(path))
    return path.with_name(f"{path.name}.pub")


def write_public_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write the public key of a private one (PEM)."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key; raises `SettingInvalid`."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise SettingInvalid("public_key", str(path), "a readable PEM file with an Ed25519 public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingInvalid("public_key", str(path), "an Ed25519 public key")
    return key


def key_of(public: Ed25519PublicKey) -> SSlibKey:
    """Return a public key as metadata hold it."""
    return SSlibKey.from_crypto(public)


def signer_of(path: Path) -> CryptoSigner:
    """Return what signs metadata with the private key of a file; raises `SettingInvalid`."""
    return CryptoSigner(read_private_key(path))
