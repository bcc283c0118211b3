import json
import shutil
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from base import __version__
from base.errors import SettingInvalid
from core.rules import ScoringRules
from export.bundling import BundleRecipe
from export.cli import app, main
from export.errors import ExportFailed
from runtime.bundle.loading import load_bundle
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.nnunet_models import write_tiny_model
from tests.fixtures.registries import find_registry, running_registry
from trust.errors import BundleRejected
from trust.private_keys import read_private_key
from trust.trusted import Revocation, read_revocations


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize(
    "command",
    [
        "onnx",
        "bundle",
        "card",
        "verify",
        "pack",
        "unpack",
        "push",
        "pull",
        "keygen",
        "keys",
        "sign",
        "revoke",
        "engine",
    ],
)
def test_every_command_shows_an_example(command: str) -> None:
    assert f"Example: sidewall-export {command}" in " ".join(_run(command, "--help").split())


def test_the_version_is_that_of_the_appliance() -> None:
    assert _run("--version") == f"{__version__}\n"


def test_keygen_makes_a_private_file_and_a_public_one(tmp_path: Path) -> None:
    output = _run("keygen", str(tmp_path / "keys" / "site.pem"), "--trusted-for", "clinical")
    assert output.startswith("key ")
    assert (tmp_path / "keys" / "site.pem").stat().st_mode & 0o077 == 0
    assert (tmp_path / "keys" / "site.pub").read_text().startswith("trusted-for: clinical\n")
    assert read_private_key(tmp_path / "keys" / "site.pem")
    with pytest.raises(SettingInvalid, match="a file that does not exist yet"):
        _run("keygen", str(tmp_path / "keys" / "site.pem"), "--trusted-for", "clinical")


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("nothing")
    with pytest.raises(SettingInvalid, match="an Ed25519 private key"):
        read_private_key(tmp_path / "key.pem")


def test_verify_runs_the_golden_case_on_every_backend(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path)
    output = _run("verify", str(path), "--trusted-keys", str(tmp_path / "keys"))
    assert "openvino-cpu" in output
    assert output.count("golden case passed") == 2
    assert "against ONNX Runtime on the CPU in float32" in output


def test_verify_shows_every_check_and_what_failed(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path)
    (path / "fold_0.onnx").write_bytes(b"")
    (path / "[bold]").mkdir()  # Would be markup of the table.
    done = CliRunner().invoke(app, ["verify", str(path), "--trusted-keys", str(tmp_path / "keys")])
    assert isinstance(done.exception, BundleRejected)
    output = " ".join(done.output.split())
    for check in ("manifest", "signature", "schema", "scope", "folds"):
        assert f"│ {check} │ ok" in output
    assert "│ files │ failed" in output
    assert "'[bold]'" in output
    assert "│ opening │ not reached" in output


def test_verify_prints_json_for_programs(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path)
    options = ["verify", str(path), "--json", "--trusted-keys", str(tmp_path / "keys")]
    accepted = json.loads(_run(*options))
    assert accepted["accepted"]
    assert [check["name"] for check in accepted["checks"]][-2:] == [
        "golden case on openvino-cpu",
        "golden case on onnxruntime-cpu",
    ]
    assert accepted["checks"][-1]["figures"] == {"differing_share": 0.0, "lowest_dice": 1.0}
    assert [(each["candidate"], each["outcome"]) for each in accepted["parity"]] == [
        ("openvino-cpu exact", "passed"),
        ("openvino-cpu fast", "passed"),
        ("onnxruntime-cpu exact", "passed"),
    ]
    (path / "manifest.sig").unlink()
    done = CliRunner().invoke(app, options)
    rejected = json.loads(done.stdout)
    assert isinstance(done.exception, BundleRejected)
    assert not rejected["accepted"]
    assert rejected["digest"] == accepted["digest"]
    assert {check["name"]: check["status"] for check in rejected["checks"]}["signature"] == "failed"


def test_a_card_is_written_and_the_bundle_sealed_again(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path)
    (tmp_path / "f.json").write_text('{"speed": {"median_s": 3.5}}')
    output = _run("card", str(path), "--figures", f"Speed={tmp_path / 'f.json'}")
    assert "tiny 1.0.0, card written, unsigned: sidewall-export sign" in output
    assert "| speed.median_s | 3.5 |" in (path / "MODEL_CARD.md").read_text()
    with pytest.raises(SettingInvalid, match=r"HEADING=FILE\.json"):
        _run("card", str(path), "--figures", "f.json")


def test_a_packed_bundle_travels_as_one_file(tmp_path: Path) -> None:
    path, trust = make_tiny_bundle(tmp_path), ["--trusted-keys", str(tmp_path / "keys")]
    assert "sha256:" in _run("pack", str(path), str(tmp_path / "tiny.tar"), *trust)
    assert "copy: tiny 1.0.0, sha256:" in _run(
        "unpack", str(tmp_path / "tiny.tar"), "--out", str(tmp_path / "copy"), *trust
    )


def test_a_bundle_travels_through_a_registry(tmp_path: Path) -> None:
    program = find_registry()
    if program is None:
        pytest.skip("docker-registry (Debian package docker-registry) is not installed")
    path, options = make_tiny_bundle(tmp_path), ["--plain-http", "--trusted-keys", str(tmp_path / "keys")]
    (tmp_path / "registry").mkdir()
    with running_registry(program, tmp_path / "registry") as registry:
        pushed = _run("push", str(path), f"{registry.host}/tiny:1", *options).strip()
        pulled = _run("pull", pushed, "--out", str(tmp_path / "copy"), *options)
    assert pulled.strip().endswith(f"artifact {pushed.partition('@')[2]}")
    assert "copy: tiny 1.0.0" in pulled


def test_a_key_is_rotated_and_the_old_one_revoked(tmp_path: Path) -> None:
    bundle, trusted = str(make_tiny_bundle(tmp_path)), tmp_path / "keys"
    trust = ["--trusted-keys", str(trusted)]
    old = load_bundle(Path(bundle), trusted).signed_by
    _run("keygen", str(tmp_path / "new.pem"), "--trusted-for", "phantom", "--not-after", "2099-12-31")
    shutil.copy(tmp_path / "new.pub", trusted)
    signed = _run("sign", bundle, "--key", str(tmp_path / "new.pem"))
    assert old in signed
    said = _run("revoke", *trust, "--key", old, "--reason", "rotated", "--on", "2026-12-01")
    assert "1 keys and 0 bundles are revoked" in said
    new = load_bundle(Path(bundle), trusted).signed_by
    assert new != old
    listed = " ".join(_run("keys", *trust).split())
    assert f"revoked key {old} on 2026-12-01: rotated" in listed
    assert "2099-12-31" in listed
    assert old not in _run("sign", bundle, "--key", str(tmp_path / "new.pem"), "--only")
    assert "1 keys and 1 bundles" in _run("revoke", *trust, "--bundle", bundle, "--reason", "trained on wrong masks")
    with pytest.raises(BundleRejected, match=r"was revoked on .*: trained on wrong masks"):
        _run("verify", bundle, *trust)


def test_a_revocation_keeps_its_first_day_and_reason(tmp_path: Path) -> None:
    for day, reason in (("2026-01-01", "lost"), ("2026-02-02", "again")):
        _run("revoke", "--trusted-keys", str(tmp_path), "--key", "0" * 16, "--reason", reason, "--on", day)
    assert read_revocations(tmp_path / "revoked.json").keys == {"0" * 16: Revocation("2026-01-01", "lost")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--key", "ABC"], "16 hexadecimal digits"),
        (["--bundle", "sha256:0"], "sha256: and 64 hexadecimal digits"),
        ([], "either --key or --bundle"),
        (["--key", "0" * 16, "--bundle", "sha256:" + "0" * 64], "either --key or --bundle"),
        (["--key", "0" * 16, "--on", "today"], "a day such as 2027-01-31"),
    ],
)
def test_a_revocation_that_would_revoke_nothing_is_refused(tmp_path: Path, options: list[str], message: str) -> None:
    with pytest.raises(SettingInvalid, match=message):
        _run("revoke", "--trusted-keys", str(tmp_path), "--reason", "x", *options)
    assert not list(tmp_path.iterdir())


def test_a_revocation_goes_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIDEWALL_TRUSTED_KEYS", raising=False)
    with pytest.raises(SettingInvalid, match="a folder, by --trusted-keys or SIDEWALL_TRUSTED_KEYS"):
        _run("revoke", "--key", "0" * 16, "--reason", "x")
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(tmp_path))
    _run("revoke", "--key", "0" * 16, "--reason", "x")
    assert (tmp_path / "revoked.json").is_file()


def test_verify_rejects_a_bundle_signed_by_nobody_known(tmp_path: Path) -> None:
    with pytest.raises(BundleRejected, match="not trusted here"):
        _run("verify", str(make_tiny_bundle(tmp_path)))


def test_onnx_writes_every_fold(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", folds=1)
    output = _run("onnx", str(model), "--out", str(tmp_path / "onnx"))
    assert (tmp_path / "onnx" / "fold_0.onnx").stat().st_size > 1000
    assert "relative" in output


def test_onnx_writes_other_forms_and_says_what_does_not_run(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", folds=1)
    options = ["--variants", "float16,bfloat16", "--pixel-shuffle", "--batch", "3"]
    output = " ".join(_run("onnx", str(model), "--out", str(tmp_path / "onnx"), *options).split())
    assert output.count("not run") == 1
    assert sorted(path.name for path in (tmp_path / "onnx").iterdir()) == [
        "fold_0.bfloat16.onnx",
        "fold_0.float16.onnx",
        "fold_0.onnx",
    ]
    network = onnx.load(tmp_path / "onnx" / "fold_0.float16.onnx")
    assert network.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3
    assert "ConvTranspose" not in {node.op_type for node in network.graph.node}


def test_a_precision_that_no_bundle_carries_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="variants is 'int8'; allowed: float16, bfloat16"):
        _run("onnx", "model", "--out", "out", "--variants", "float16,int8")


def test_a_bundle_carries_the_cutoffs_that_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes: list[BundleRecipe] = []

    def stop(recipe: BundleRecipe, *_: object) -> None:
        recipes.append(recipe)
        raise ExportFailed("far enough")

    monkeypatch.setattr("export.bundling.make_bundle", stop)
    key = tmp_path / "key.pem"
    _run("keygen", str(key), "--trusted-for", "phantom")
    command = ["bundle", "model", "--reference-cases", "images", "--key", str(key), "--out", "out", "--unproven"]
    given = ["--irregular-border-cutoff", "0.05", "--feature-min-short-axis", "6", "--restaging-obturator-cutoff", "5"]
    for options in ([], given):
        with pytest.raises(ExportFailed, match="far enough"):
            _run(*command, *options)
    assert recipes[0].rules == ScoringRules()
    assert recipes[1].rules == ScoringRules(
        irregular_border_cutoff=0.05, feature_min_short_axis_mm=6.0, restaging_obturator_cutoff_mm=5.0
    )


def test_an_expected_failure_is_one_line_and_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["sidewall-export", "verify", str(tmp_path / "absent")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 4
    assert "there is no bundle at" in " ".join(capfd.readouterr().err.split())
