import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.rules import LATER_SOURCE
from export.sealing import seal_bundle
from runtime.bundle.loading import load_bundle
from runtime.bundle.manifest_reading import parse_manifest
from tests.fixtures.bundles import FOLD_COUNT, make_tiny_bundle, reseal
from trust.errors import BundleRejected
from trust.signing import canonical_json, read_trusted_keys, write_trusted_key

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a good bundle in `tiny` and the keys that trust it in `keys`."""
    make_tiny_bundle(tmp_path)
    return tmp_path


def _rejects(folder: Path, message: str) -> None:
    with pytest.raises(BundleRejected, match=message):
        load_bundle(folder / "tiny", folder / "keys")


def test_a_signed_bundle_opens_with_its_content(folder: Path) -> None:
    bundle = load_bundle(folder / "tiny", folder / "keys")
    assert (bundle.name, bundle.version, bundle.trained_on) == ("tiny", "1.0.0", "phantom")
    assert len(bundle.manifest.folds) == FOLD_COUNT
    assert bundle.fold_bytes(0) == (folder / "tiny" / "fold_0.onnx").read_bytes()
    assert bundle.golden_volume().shape == bundle.golden_labels().shape
    assert bundle.rules.short_axis_cutoff_mm == 7.0
    assert bundle.digest.startswith("sha256:")


def test_white_space_and_key_order_of_the_manifest_do_not_matter(folder: Path) -> None:
    digest = load_bundle(folder / "tiny", folder / "keys").digest
    path = folder / "tiny" / "manifest.json"
    mapping = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(mapping.items())), indent=7))
    assert load_bundle(folder / "tiny", folder / "keys").digest == digest


def test_a_manifest_survives_its_json(folder: Path) -> None:
    manifest = load_bundle(folder / "tiny", folder / "keys").manifest
    assert parse_manifest(json.loads(canonical_json(manifest.to_mapping()))) == manifest


def test_the_setting_names_a_folder_of_further_keys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BundleRejected, match="not trusted here"):
        load_bundle(folder / "tiny")
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(folder / "keys"))
    assert load_bundle(folder / "tiny").name == "tiny"


def test_no_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleRejected, match="there is no bundle at"):
        load_bundle(tmp_path / "absent")
    with pytest.raises(BundleRejected, match=r"has no manifest\.json: it is not a bundle"):
        load_bundle(tmp_path)


def test_an_unsigned_bundle_is_rejected(folder: Path) -> None:
    (folder / "tiny" / "manifest.sig").unlink()
    _rejects(folder, "it is not signed")


@pytest.mark.parametrize("text", ["", "{}", '{"algorithm": "ed25519", "key_id": "a", "signature": "?"}'])
def test_a_damaged_signature_is_rejected(folder: Path, text: str) -> None:
    (folder / "tiny" / "manifest.sig").write_text(text)
    _rejects(folder, "signature file is damaged")


def test_an_altered_manifest_is_rejected(folder: Path) -> None:
    path = folder / "tiny" / "manifest.json"
    path.write_text(path.read_text().replace('"short_axis_cutoff_mm": 7.0', '"short_axis_cutoff_mm": 9.0'))
    _rejects(folder, "altered after it was signed")


def test_a_manifest_that_claims_other_training_data_is_rejected(folder: Path) -> None:
    path = folder / "tiny" / "manifest.json"
    path.write_text(path.read_text().replace('"trained_on": "phantom"', '"trained_on": "clinical"'))
    _rejects(folder, "altered after it was signed")


@pytest.mark.parametrize("text", ['{"schema_version": "1", "na', '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_a_broken_manifest_is_rejected(folder: Path, text: str) -> None:
    (folder / "tiny" / "manifest.json").write_text(text)
    _rejects(folder, r"manifest\.json of the bundle is not whole JSON")


def test_an_altered_fold_is_rejected(folder: Path) -> None:
    path = folder / "tiny" / "fold_1.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    _rejects(folder, r"fold_1\.onnx of the bundle was altered")


def test_a_truncated_fold_is_rejected(folder: Path) -> None:
    path = folder / "tiny" / "fold_1.onnx"
    path.write_bytes(path.read_bytes()[:-10])
    _rejects(folder, r"fold_1\.onnx of the bundle has \d+ bytes; signed for \d+")


def test_a_missing_fold_is_rejected(folder: Path) -> None:
    (folder / "tiny" / "fold_0.onnx").unlink()
    _rejects(folder, r"fold_0\.onnx of the bundle is missing")


@pytest.mark.parametrize(
    ("call", "unreadable", "message"),
    [
        (
            "open",
            "fold_0.onnx",
            r"file fold_0\.onnx of the bundle may not be read by the user of this process \(uid \d+\)",
        ),
        ("open", "manifest.json", r"file manifest\.json of the bundle may not be read by the user"),
        ("scandir", "golden", r"the folder .*golden may not be read by the user of this process \(uid \d+\)"),
    ],
)
def test_what_the_user_may_not_read_is_called_that_and_not_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, unreadable: str, message: str
) -> None:
    # Nothing is unreadable for root, whom tests may run as.
    real = getattr(os, call)

    def refusing(path: Path, *arguments: int) -> object:
        if Path(path).name == unreadable:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *arguments)

    monkeypatch.setattr(os, call, refusing)
    _rejects(folder, message)


def test_a_fold_that_changes_after_opening_is_rejected(folder: Path) -> None:
    bundle = load_bundle(folder / "tiny", folder / "keys")
    shutil.copy(folder / "tiny" / "fold_1.onnx", folder / "tiny" / "fold_0.onnx")
    with pytest.raises(BundleRejected, match="was altered"):
        bundle.fold_bytes(0)


def test_a_key_that_is_not_trusted_is_rejected(folder: Path) -> None:
    (folder / "others").mkdir()
    write_trusted_key(folder / "others" / "o.pub", Ed25519PrivateKey.generate().public_key(), ["phantom"])
    with pytest.raises(BundleRejected, match="which is not trusted here"):
        load_bundle(folder / "tiny", folder / "others")


def test_a_phantom_key_does_not_vouch_for_a_clinical_model(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    make_tiny_bundle(tmp_path, trained_on="clinical", key=key)
    write_trusted_key(tmp_path / "keys" / "tiny.pub", key.public_key(), ["phantom"])
    _rejects(tmp_path, "trained on 'clinical'; key [0-9a-f]{16} is trusted only for: phantom")


def test_the_packaged_demo_keys_vouch_for_phantoms_only() -> None:
    keys = read_trusted_keys(REPOSITORY / "trust" / "trusted_keys")
    # That of bundles up to 0.3.1, which a box may go back to, and that of the later ones.
    assert [key.key_id for key in keys] == ["c78c119d72925b7e", "b415331ab83ecff9"]
    assert {key.trusted_for for key in keys} == {frozenset({"phantom"})}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": "3"}, "schema_version is '3'; this version reads '1' and '2'"),
        ({"schema_version": 2}, "schema_version is 2; this version reads '1' and '2'"),
        ({"schema_version": ["2"]}, r"schema_version is \['2'\]; this version reads"),
        ({"surprise": 1}, r"unknown \['surprise'\]"),
        ({"labels": {"background": 0}}, "labels are"),
        ({"trained_on": "mice"}, "trained_on in the manifest is 'mice'; allowed: 'phantom', 'clinical'"),
        (
            {"tiling": {"patch_size": [8, 48, 48], "step_size": 0}},
            "tiling.step_size in the manifest is 0; allowed: a number from 0.05 to 1",
        ),
        ({"folds": []}, "the bundle has 0 folds"),
        ({"folds": ["../../etc/passwd"]}, "does not list the files"),
        ({"files": [{"path": "../x", "sha256": "", "bytes": 0}]}, "lies outside the bundle"),
        ({"input_reference": {"mean": 1}}, "input_reference in the manifest lacks"),
        ({"folds": ["fold_0.onnx", "fold_0.onnx"]}, "the bundle names a fold twice"),
        ({"folds": ["fold_0.onnx"]}, r"networks that are not among its folds or their variants: fold_1\.onnx"),
        ({"variants": ["float16"]}, "variants in the manifest is list; allowed: an object"),
        ({"variants": {"int8": []}}, "a name of variants in the manifest is 'int8'; allowed: 'float16', 'bfloat16'"),
        ({"variants": {"float16": "fold_0.onnx"}}, r"variants\.float16 in the manifest has str; allowed: a list"),
        ({"variants": {"float16": ["h0.onnx", "h1.onnx"]}}, r"does not list the files \['h0\.onnx', 'h1\.onnx'\]"),
        ({"variants": {"float16": ["fold_0.onnx", "fold_1.onnx"]}}, "the bundle names a fold twice"),
        ({"variants": {"bfloat16": []}}, "has 0 networks in bfloat16 for 2 folds; allowed: one for each"),
        ({"folds": "fold_0.onnx"}, "folds in the manifest has str; allowed: a list"),
        ({"provenance": []}, "provenance in the manifest is list; allowed: an object"),
        ({"files": [{"path": "a b", "sha256": "", "bytes": 0}]}, "has no name for a bundle's file"),
        ({"files": [{"path": "manifest.json", "sha256": "0" * 64, "bytes": 0}]}, "has no name for a bundle's file"),
        ({"files": [{"path": "a", "sha256": "0", "bytes": 0}]}, "is '0'; allowed: 64 hexadecimal digits"),
        ({"files": [{"path": "a", "sha256": "0" * 64, "bytes": True}]}, "is True; allowed: a whole number from 0"),
        ({"files": [{"path": "a", "sha256": "0" * 64, "bytes": 1 << 60}]}, "allowed: a whole number from 0 to 85899"),
        (
            {"files": [{"path": path, "sha256": "0" * 64, "bytes": 1} for path in ("card", "Card")]},
            "names twice, or as file and folder: card",
        ),
        (
            {"files": [{"path": path, "sha256": "0" * 64, "bytes": 1} for path in ("a", "a/b")]},
            "names twice, or as file and folder: a",
        ),
        ({"name": ""}, "name in the manifest is ''; allowed: a text"),
    ],
)
def test_a_signed_manifest_that_does_not_fit_is_rejected(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    reseal(bundle, key, **change)
    _rejects(tmp_path, message)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"scoring in the manifest lacks \['node_threshold'\]"),
        ("high", r"scoring\.node_threshold in the manifest is 'high'; allowed: a number"),
        (1.5, r"scoring\.node_threshold in the manifest is 1\.5; allowed: 0 to 1"),
    ],
)
def test_a_rule_that_is_missing_or_out_of_range_is_rejected(tmp_path: Path, value: object, message: str) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    scoring = json.loads((bundle / "manifest.json").read_text())["scoring"] | {"node_threshold": value}
    reseal(bundle, key, scoring={name: each for name, each in scoring.items() if each is not None})
    _rejects(tmp_path, message)


def test_the_folds_may_come_in_a_lesser_precision_too(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    names = ["fold_0.bfloat16.onnx", "fold_1.bfloat16.onnx"]
    for fold, name in enumerate(names):
        shutil.copy(bundle / f"fold_{1 - fold}.onnx", bundle / name)
    reseal(bundle, key, variants={"bfloat16": names})
    opened = load_bundle(bundle, tmp_path / "keys")
    assert opened.manifest.variants == {"bfloat16": tuple(names)}
    assert opened.manifest.networks == ("fold_0.onnx", "fold_1.onnx", *names)
    assert opened.fold_bytes(0, "bfloat16") == opened.fold_bytes(1)
    assert parse_manifest(opened.manifest.to_mapping()) == opened.manifest
    with pytest.raises(BundleRejected, match="has no folds in float16; its variants: bfloat16"):
        opened.fold_bytes(0, "float16")


def test_a_manifest_without_variants_reads_as_it_did_before_there_were_any(folder: Path) -> None:
    bundle = load_bundle(folder / "tiny", folder / "keys")
    assert bundle.manifest.variants == {}
    assert "variants" not in bundle.manifest.to_mapping()
    with pytest.raises(BundleRejected, match="has no folds in float16; its variants: none"):
        bundle.fold_bytes(0, "float16")


def test_nothing_of_a_manifest_is_judged_before_it_is_trusted(folder: Path) -> None:
    reseal(folder / "tiny", Ed25519PrivateKey.generate(), schema_version="9")
    _rejects(folder, "which is not trusted here")


def test_a_manifest_too_long_to_be_read_unsigned_is_rejected(folder: Path) -> None:
    (folder / "tiny" / "manifest.json").write_bytes(b" " * (5 << 20))
    _rejects(folder, r"manifest\.json of the bundle has 5242880 bytes; allowed: 4194304")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": 1e999}', '{"a": "\\ud800"}'])
def test_json_that_a_parser_may_stumble_over_is_rejected(folder: Path, text: str) -> None:
    (folder / "tiny" / "manifest.json").write_text(text)
    _rejects(folder, r"manifest\.json of the bundle is not whole JSON")


def test_what_the_manifest_does_not_list_is_rejected(folder: Path) -> None:
    (folder / "tiny" / "golden" / "more.npz").write_bytes(b"")
    _rejects(folder, r"'golden/more\.npz' lies in the bundle and is not listed in its manifest")
    (folder / "tiny" / "golden" / "more.npz").unlink()
    (folder / "tiny" / "cache").mkdir()
    _rejects(folder, "'cache' lies in the bundle and is not listed")


def test_a_link_and_a_pipe_in_the_bundle_are_rejected(folder: Path) -> None:
    fold = folder / "tiny" / "fold_1.onnx"
    fold.rename(folder / "elsewhere.onnx")
    fold.symlink_to(folder / "elsewhere.onnx")
    _rejects(folder, r"'fold_1\.onnx' in the bundle is a symbolic link")
    fold.unlink()
    os.mkfifo(fold)
    _rejects(folder, r"'fold_1\.onnx' in the bundle is a device or pipe")


def test_a_manifest_that_is_a_pipe_is_not_waited_for(folder: Path) -> None:
    (folder / "tiny" / "manifest.json").unlink()
    os.mkfifo(folder / "tiny" / "manifest.json")
    _rejects(folder, r"has no manifest\.json")


def test_a_bundle_may_be_reached_through_a_link(folder: Path) -> None:
    (folder / "current").symlink_to(folder / "tiny")
    assert load_bundle(folder / "current", folder / "keys").name == "tiny"


def test_a_bundle_older_than_a_rule_gets_its_default_and_the_source_says_so(folder: Path) -> None:
    mapping = load_bundle(folder / "tiny", folder / "keys").manifest.to_mapping()
    whole = parse_manifest(mapping).scoring
    del mapping["scoring"]["irregular_border_cutoff"]
    older = parse_manifest(mapping).scoring
    assert older.irregular_border_cutoff == 0.03
    said = "by default, since the bundle does not say: irregular_border_cutoff"
    assert older.source == f"{whole.source}; {said}"
    assert whole.source.count(LATER_SOURCE) == 1
    mapping["scoring"]["source"] = "a hospital's own"
    assert parse_manifest(mapping).scoring.source == f"a hospital's own; {said} ({LATER_SOURCE})"


def test_a_bundle_carries_cutoffs_of_its_own_for_the_features(folder: Path) -> None:
    mapping = load_bundle(folder / "tiny", folder / "keys").manifest.to_mapping()
    mapping["scoring"] |= {"feature_min_short_axis_mm": 6.0, "irregular_border_cutoff": 0.05}
    scoring = parse_manifest(mapping).scoring
    assert (scoring.feature_min_short_axis_mm, scoring.irregular_border_cutoff) == (6.0, 0.05)
    assert scoring.heterogeneous_signal_cutoff == 0.24


def test_a_bundle_without_a_temperature_leaves_posteriors_as_they_are_and_one_of_zero_is_rejected(folder: Path) -> None:
    mapping = load_bundle(folder / "tiny", folder / "keys").manifest.to_mapping()
    del mapping["scoring"]["temperature"]
    assert parse_manifest(mapping).scoring.temperature == 1.0
    mapping["scoring"]["temperature"] = 0.0
    with pytest.raises(
        BundleRejected, match=r"scoring\.temperature in the manifest is 0\.0; allowed: a number from 0\.001"
    ):
        parse_manifest(mapping)


def test_the_demo_bundle_made_before_the_later_rules_still_opens() -> None:
    rules = load_bundle(REPOSITORY / "models" / "demo").rules
    assert (rules.feature_min_short_axis_mm, rules.irregular_border_cutoff) == (5.0, 0.03)
    assert rules.heterogeneous_signal_cutoff == 0.24
    assert (rules.restaging_internal_iliac_cutoff_mm, rules.restaging_obturator_cutoff_mm) == (4.0, 6.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-----BEGIN PUBLIC KEY-----\n", "must begin with 'trusted-for:'"),
        ("trusted-for: everyone\n", "one or more of: phantom clinical"),
        ("trusted-for: phantom\nnot a key", "has the line 'not a key' before its key; allowed, once: trusted-for"),
        ("trusted-for: phantom\n-----BEGIN PUBLIC KEY-----\nx", "is not a PEM public key"),
        ("trusted-for: phantom\nnot-after: soon\n", "is not a PEM public key"),
    ],
)
def test_a_trusted_key_file_must_say_what_it_vouches_for(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.pub").write_text(text)
    with pytest.raises(BundleRejected, match=message):
        read_trusted_keys(tmp_path)


def test_sealing_again_with_another_key_changes_the_signer_but_not_the_digest(folder: Path) -> None:
    before = load_bundle(folder / "tiny", folder / "keys")
    key = Ed25519PrivateKey.generate()
    seal_bundle(folder / "tiny", before.manifest, key)
    write_trusted_key(folder / "keys" / "other.pub", key.public_key(), ["phantom"])
    after = load_bundle(folder / "tiny", folder / "keys")
    assert after.digest == before.digest
    assert after.signed_by != before.signed_by
