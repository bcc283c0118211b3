from pathlib import Path

import pytest
from typer.testing import CliRunner

from export.bundling import BundleRecipe
from export.cli import app, main
from export.errors import ExportFailed
from export.sealing import read_private_key
from runtime import __version__
from runtime.core.errors import BundleRejected, SettingInvalid
from runtime.core.rules import ScoringRules
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.nnunet_models import write_tiny_model


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("command", ["onnx", "bundle", "verify", "keygen"])
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


def test_verify_rejects_a_bundle_signed_by_nobody_known(tmp_path: Path) -> None:
    with pytest.raises(BundleRejected, match="not trusted here"):
        _run("verify", str(make_tiny_bundle(tmp_path)))


def test_onnx_writes_every_fold(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", folds=1)
    output = _run("onnx", str(model), "--out", str(tmp_path / "onnx"))
    assert (tmp_path / "onnx" / "fold_0.onnx").stat().st_size > 1000
    assert "largest error" in output


def test_a_bundle_carries_the_cutoffs_that_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes: list[BundleRecipe] = []

    def stop(recipe: BundleRecipe, *_: object) -> None:
        recipes.append(recipe)
        raise ExportFailed("far enough")

    monkeypatch.setattr("export.bundling.make_bundle", stop)
    key = tmp_path / "key.pem"
    _run("keygen", str(key), "--trusted-for", "phantom")
    command = ["bundle", "model", "--reference-cases", "images", "--key", str(key), "--out", "out"]
    given = ["--irregular-border-cutoff", "0.05", "--feature-min-short-axis", "6", "--restaging-obturator-cutoff", "5"]
    for options in ([], given):
        with pytest.raises(ExportFailed, match="far enough"):
            _run(*command, *options)
    assert recipes[0].rules == ScoringRules()
    assert recipes[1].rules == ScoringRules(
        irregular_border_cutoff=0.05, feature_min_short_axis_mm=6.0, restaging_obturator_cutoff_mm=5.0
    )


def test_an_expected_failure_is_one_line_and_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["sidewall-export", "verify", str(tmp_path / "absent")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 4
    assert "there is no bundle at" in " ".join(capsys.readouterr().err.split())
