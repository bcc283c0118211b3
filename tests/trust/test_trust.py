"""Whom a box trusts: several signatures, dates of keys, and what was revoked."""

import json
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.sealing import sign_bundle
from runtime.bundle.loading import load_bundle
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.other_users import not_root, open_folder
from trust.errors import BundleRejected
from trust.signing import Signature, canonical_json, key_id_of, make_signature, read_trusted_keys
from trust.signing import write_trusted_key as write_key
from trust.trusted import Revocation, Revocations, TrustStore, read_revocations, read_trust

CONTENT = canonical_json({"a": 1})
DIGEST = "sha256:" + "0" * 64
TODAY = date(2026, 6, 15)
OLD, NEW = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
OLD_ID, NEW_ID = (key_id_of(key.public_key()) for key in (OLD, NEW))
SIGNATURES = (make_signature(CONTENT, OLD), make_signature(CONTENT, NEW))


def _store(
    folder: Path,
    *keys: Ed25519PrivateKey,
    revoked: Revocations | None = None,
    not_before: date | None = None,
    not_after: date | None = None,
) -> TrustStore:
    for index, key in enumerate(keys):
        write_key(folder / f"{index}.pub", key.public_key(), ["phantom"], not_before, not_after)
    return TrustStore(read_trusted_keys(folder), revoked or Revocations())


def _vouching(store: TrustStore, signatures: tuple[Signature, ...] = SIGNATURES) -> list[str]:
    return [key.key_id for key in store.vouching_keys(CONTENT, DIGEST, signatures, TODAY)]


def test_one_trusted_signature_of_two_is_enough(tmp_path: Path) -> None:
    assert _vouching(_store(tmp_path, NEW)) == [NEW_ID]
    assert _vouching(_store(tmp_path, NEW, OLD)) == [OLD_ID, NEW_ID]


def test_every_signature_that_does_not_count_says_why(tmp_path: Path) -> None:
    store = _store(tmp_path, OLD)
    forged = (Signature(OLD_ID, bytes(64)), SIGNATURES[1])
    with pytest.raises(BundleRejected, match=f"altered after it was signed; .* key {NEW_ID}, which is not trusted"):
        _vouching(store, forged)


@pytest.mark.parametrize(("first", "last"), [(None, TODAY), (TODAY, None), (TODAY, TODAY), (None, None)])
def test_a_key_counts_from_its_first_to_its_last_day(tmp_path: Path, first: date | None, last: date | None) -> None:
    assert _vouching(_store(tmp_path, OLD, not_before=first, not_after=last)) == [OLD_ID]


def test_an_expired_key_and_one_of_the_future_do_not_count(tmp_path: Path) -> None:
    expired = _store(tmp_path, OLD, not_after=date(2026, 6, 14))
    with pytest.raises(BundleRejected, match=f"key {OLD_ID} expired: it counts until 2026-06-14, today is 2026-06-15"):
        _vouching(expired, SIGNATURES[:1])
    future = _store(tmp_path, OLD, not_before=date(2026, 6, 16))
    with pytest.raises(BundleRejected, match="counts only from 2026-06-16, today is 2026-06-15"):
        _vouching(future, SIGNATURES[:1])


def test_a_key_may_stand_in_several_files_for_more_uses_or_longer(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, trained_on="clinical", key=OLD)
    write_key(tmp_path / "keys" / "a.pub", OLD.public_key(), ["phantom"])
    write_key(tmp_path / "keys" / "b.pub", OLD.public_key(), ["clinical"], not_after=date(2020, 1, 1))
    write_key(tmp_path / "keys" / "tiny.pub", OLD.public_key(), ["clinical"])
    assert load_bundle(bundle, tmp_path / "keys").signed_by == OLD_ID
    (tmp_path / "keys" / "tiny.pub").unlink()
    with pytest.raises(BundleRejected, match=f"trained on 'clinical'; key {OLD_ID} is trusted only for: phantom"):
        load_bundle(bundle, tmp_path / "keys")


def test_a_revoked_key_does_not_count_and_its_reason_is_said(tmp_path: Path) -> None:
    revoked = Revocations(keys={OLD_ID: Revocation("2026-05-01", "laptop stolen")})
    assert _vouching(_store(tmp_path, OLD, NEW, revoked=revoked)) == [NEW_ID]
    with pytest.raises(BundleRejected, match=f"key {OLD_ID}, which was revoked on 2026-05-01: laptop stolen"):
        _vouching(_store(tmp_path, OLD, NEW, revoked=revoked), SIGNATURES[:1])


def test_a_revoked_bundle_is_rejected_whoever_signed_it(tmp_path: Path) -> None:
    revoked = Revocations(bundles={DIGEST: Revocation("2026-05-01", "wrong labels in training")})
    with pytest.raises(BundleRejected, match=f"{DIGEST} was revoked on 2026-05-01: wrong labels in training"):
        _vouching(_store(tmp_path, OLD, NEW, revoked=revoked))


def test_a_bundle_that_both_keys_signed_opens_with_either(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, key=OLD)
    digest = load_bundle(bundle, tmp_path / "keys").digest
    sign_bundle(bundle, NEW)
    (tmp_path / "new").mkdir()
    write_key(tmp_path / "new" / "n.pub", NEW.public_key(), ["phantom"])
    old, new = load_bundle(bundle, tmp_path / "keys"), load_bundle(bundle, tmp_path / "new")
    assert (old.signed_by, new.signed_by) == (OLD_ID, NEW_ID)
    assert old.digest == new.digest == digest


def test_the_scope_is_asked_of_every_key_that_signed(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path, trained_on="clinical", key=OLD)
    sign_bundle(bundle, NEW)
    write_key(tmp_path / "keys" / "tiny.pub", OLD.public_key(), ["phantom"])
    write_key(tmp_path / "keys" / "new.pub", NEW.public_key(), ["clinical"])
    assert load_bundle(bundle, tmp_path / "keys").signed_by == NEW_ID


def test_a_site_may_revoke_a_bundle_of_the_shipped_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = Path(__file__).parents[2] / "models" / "demo"
    bundle = load_bundle(demo)
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(tmp_path))
    _write_list(tmp_path, keys=[{"key_id": bundle.signed_by, "date": "2026-06-01", "reason": "no demo here"}])
    with pytest.raises(BundleRejected, match="which was revoked on 2026-06-01: no demo here"):
        load_bundle(demo)


def test_a_list_survives_its_file(tmp_path: Path) -> None:
    listed = Revocations({OLD_ID: Revocation("2026-05-01", "stolen")}, {DIGEST: Revocation("2026-05-02", "wrong")})
    (tmp_path / "revoked.json").write_text(json.dumps(listed.to_mapping()))
    assert read_revocations(tmp_path / "revoked.json") == listed
    assert read_revocations(tmp_path / "absent.json") == Revocations()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"the list of what was revoked \(.*revoked\.json\) cannot be read"),
        (b"\xff", "cannot be read"),
        (b'{"schema_version": "2", "keys": [], "bundles": []}', "has schema_version '2'"),
        (b'{"schema_version": "1", "keys": []}', r"\['keys', 'schema_version'\]; allowed: .*bundles"),
        (b'{"schema_version": "1", "keys": ["a"], "bundles": []}', "has the entry 'a'; allowed: texts key_id"),
        (b'{"schema_version": "1", "keys": 3, "bundles": []}', "has the entry 3"),
        (
            b'{"schema_version": "1", "keys": [{"key_id": "A", "date": "x", "reason": "y"}], "bundles": []}',
            "has the key_id 'A'",
        ),
    ],
)
def test_a_list_that_cannot_be_read_stops_everything(tmp_path: Path, content: bytes, message: str) -> None:
    make_tiny_bundle(tmp_path)
    (tmp_path / "keys" / "revoked.json").write_bytes(content)
    with pytest.raises(BundleRejected, match=message):
        load_bundle(tmp_path / "tiny", tmp_path / "keys")


@pytest.mark.parametrize("name", [".", "tiny.pub", "revoked.json"])
def test_trust_that_every_user_may_change_is_none(tmp_path: Path, name: str) -> None:
    make_tiny_bundle(tmp_path)
    _write_list(tmp_path / "keys")
    (tmp_path / "keys" / name).chmod(0o777)
    with pytest.raises(BundleRejected, match="may be written by every user: chmod o-w"):
        load_bundle(tmp_path / "tiny", tmp_path / "keys")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (0o700, r"the folder of trusted keys .* cannot be looked into by the user .*: Permission denied"),
        (0o711, r"the folder of trusted keys .* cannot be looked into by the user .*: Permission denied"),
        (0o744, r"trusted key tiny\.pub cannot be read: Permission denied"),
    ],
)
def test_a_folder_that_nobody_may_look_into_is_not_taken_for_one_without_a_list(mode: int, message: str) -> None:
    with open_folder() as folder:
        bundle = make_tiny_bundle(folder)
        digest = load_bundle(bundle, folder / "keys").digest
        _write_list(folder / "keys", bundles=[{"digest": digest, "date": "2026-06-01", "reason": "wrong"}])
        (folder / "keys").chmod(mode)
        with not_root(), pytest.raises(BundleRejected, match=message):
            load_bundle(bundle, folder / "keys")


def test_a_list_is_absent_only_where_one_can_see_that_it_is() -> None:
    with open_folder() as folder:
        keys = folder / "keys"
        keys.mkdir()
        with not_root():
            assert read_revocations(keys / "revoked.json") == Revocations()
        (keys / "revoked.json").symlink_to("nowhere")
        with pytest.raises(BundleRejected, match="cannot be read: No such file or directory"):
            read_revocations(keys / "revoked.json")
        (keys / "revoked.json").unlink()
        _write_list(keys)
        (keys / "revoked.json").chmod(0o600)
        with not_root(), pytest.raises(BundleRejected, match="cannot be read: Permission denied"):
            read_revocations(keys / "revoked.json")
        keys.chmod(0o600)
        with not_root(), pytest.raises(BundleRejected, match="cannot be read: Permission denied"):
            read_revocations(keys / "revoked.json")


def test_the_shipped_keys_do_not_hide_that_the_sites_cannot_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = Path(__file__).parents[2] / "models" / "demo"
    with open_folder() as folder:
        _write_list(folder, bundles=[{"digest": load_bundle(demo).digest, "date": "2026-06-01", "reason": "wrong"}])
        monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(folder))
        folder.chmod(0o700)
        with not_root(), pytest.raises(BundleRejected, match="cannot be looked into"):
            read_trust()


def test_a_missing_folder_of_keys_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleRejected, match="the folder of trusted keys does not exist"):
        read_trust(tmp_path / "absent")


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ("not-after: soon\n", "says not-after: soon; allowed: a day such as"),
        ("not-after: 2026-01-01\nnot-after: 2027-01-01\n", "has the line 'not-after: 2027-01-01' before its key"),
        ("valid-until: 2027-01-01\n", "has the line 'valid-until: 2027-01-01' before its key; allowed, once"),
    ],
)
def test_a_limit_that_is_not_understood_is_not_passed_over(tmp_path: Path, days: str, message: str) -> None:
    write_key(tmp_path / "a.pub", OLD.public_key(), ["phantom"])
    (tmp_path / "a.pub").write_text((tmp_path / "a.pub").read_text().replace("-----BEGIN", f"{days}-----BEGIN"))
    with pytest.raises(BundleRejected, match=message):
        read_trusted_keys(tmp_path)


def _write_list(folder: Path, **entries: list[dict[str, str]]) -> None:
    mapping = {"schema_version": "1", "keys": [], "bundles": []} | entries
    (folder / "revoked.json").write_text(json.dumps(mapping))
