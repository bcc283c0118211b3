from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.sealing import seal_bundle, sign_bundle
from runtime.bundle.loading import load_bundle
from tests.fixtures.bundles import make_network, make_tiny_bundle
from trust.errors import BundleRejected
from trust.private_keys import make_private_key, read_private_key
from trust.signing import key_id_of

KEY = Ed25519PrivateKey.generate()


def test_a_bundle_sealed_without_a_key_is_signed_elsewhere(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, key=KEY)
    opened = load_bundle(bundle, tmp_path / "keys")
    seal_bundle(bundle, opened.manifest, None)
    with pytest.raises(BundleRejected, match="it is not signed"):
        load_bundle(bundle, tmp_path / "keys")
    sign_bundle(bundle, KEY)
    assert load_bundle(bundle, tmp_path / "keys") == opened


def test_signing_again_with_the_same_key_adds_nothing(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, key=KEY)
    before = (bundle / "manifest.sig").read_bytes()
    assert len(sign_bundle(bundle, KEY).signatures) == 1
    assert (bundle / "manifest.sig").read_bytes() == before


def test_signatures_of_other_keys_stay_unless_they_are_to_go(tmp_path: Path) -> None:
    bundle, other = make_tiny_bundle(tmp_path, key=KEY), Ed25519PrivateKey.generate()
    ids = [key_id_of(key.public_key()) for key in (KEY, other)]
    assert [each.key_id for each in sign_bundle(bundle, other).signatures] == ids
    assert [each.key_id for each in sign_bundle(bundle, other, only=True).signatures] == ids[1:]


def test_what_no_runtime_would_open_is_not_signed(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, key=KEY)
    before = (bundle / "manifest.sig").read_bytes()
    (bundle / "MODEL_CARD.md").write_text("another")
    with pytest.raises(BundleRejected, match=r"MODEL_CARD\.md of the bundle has 7 bytes; signed for"):
        sign_bundle(bundle, Ed25519PrivateKey.generate())
    assert (bundle / "manifest.sig").read_bytes() == before


def test_weights_that_are_no_numbers_are_not_sealed(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, key=KEY)
    manifest = load_bundle(bundle, tmp_path / "keys").manifest
    (bundle / "fold_0.onnx").write_bytes(make_network([0, 1, 2, 3, 4, float("inf")], 0))
    with pytest.raises(BundleRejected, match="holds values that are not finite numbers"):
        seal_bundle(bundle, manifest, KEY)
    assert not (bundle / "manifest.sig").exists()


def test_a_private_key_comes_back_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = make_private_key(tmp_path / "a" / "k.pem")
    assert read_private_key(tmp_path / "a" / "k.pem").private_bytes_raw() == key.private_bytes_raw()
    assert (tmp_path / "a" / "k.pem").stat().st_mode & 0o077 == 0
