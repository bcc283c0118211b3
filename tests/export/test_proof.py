"""A model that nothing measured speaks for is signed only as unproven, and then card and results say so."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from base.errors import SettingInvalid
from base.exit_status import exit_status
from export.card_text import CardText
from export.cli import app
from export.errors import ExportFailed
from export.model_card import CardSource, model_card
from export.proof import proof_of, require_proof
from export.renewing import renew_bundle
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import BareVolume
from runtime.analysis.pipeline import analyze_case
from runtime.bundle.loading import load_bundle
from runtime.inference.model import load_model
from tests.fixtures.bundles import make_tiny_bundle, make_tiny_volume

FAILED = {"usable": False, "proven": False, "reasons": ["node sensitivity from 5 mm: 0.00 at its lower bound"]}


def chosen(folder: Path, verdict: dict[str, Any] | None) -> Path:
    path = folder / "chosen.json"
    rules = {"temperature": 1.4, "node_threshold": 0.4, "min_mean_posterior": 0.8}
    basis = {"criterion": "largest sum", "out_of_fold_cases": 8}
    path.write_text(json.dumps({"rules": rules, "chosen_on": basis} | ({"verdict": verdict} if verdict else {})))
    return path


def test_a_usable_evaluation_is_a_proof_and_anything_less_is_none(tmp_path: Path) -> None:
    proof = proof_of(chosen(tmp_path, {"usable": True, "proven": True, "reasons": [], "bounds": {}}))
    assert proof == {"status": "measured", "reasons": [], "bounds": {}}
    require_proof(proof, unproven=False)
    for less in (FAILED, FAILED | {"usable": True}, None):
        proof = proof_of(chosen(tmp_path, less))
        assert proof["status"] == "unproven"
        with pytest.raises(ExportFailed, match=r"the model is unproven: .+; allowed: .+ or --unproven"):
            require_proof(proof, unproven=False)
        require_proof(proof, unproven=True)


def test_thresholds_that_nobody_measured_are_no_proof_either() -> None:
    with pytest.raises(ExportFailed, match=r"no chosen\.json shows what its thresholds do"):
        require_proof(proof_of(None), unproven=False)


def test_the_command_takes_no_failed_model_and_touches_nothing(tmp_path: Path) -> None:
    arguments = ["bundle", str(tmp_path / "model"), "--reference-cases", str(tmp_path), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*arguments, "--chosen", str(chosen(tmp_path, FAILED))])
    assert isinstance(done.exception, ExportFailed)
    assert exit_status(done.exception) == 1
    assert "0.00 at its lower bound" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flag", ["name", "intended-use"])
def test_a_model_of_patients_is_not_called_like_the_demo(tmp_path: Path, flag: str) -> None:
    arguments = ["bundle", str(tmp_path), "--reference-cases", str(tmp_path), "--out", str(tmp_path / "out")]
    others = {"name": "site", "intended-use": "Research at one site."}
    given = [word for name, value in others.items() if name != flag for word in (f"--{name}", value)]
    done = CliRunner().invoke(app, [*arguments, "--trained-on", "clinical", "--unproven", *given])
    assert isinstance(done.exception, SettingInvalid)
    assert f"(--{flag})" in str(done.exception)


def test_every_result_and_the_card_of_an_unproven_bundle_say_so(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    folder = make_tiny_bundle(tmp_path, key=key)
    case = CaseInput(BareVolume(make_tiny_volume()[0], is_phantom=True), AboutCase("any"))
    before = analyze_case(case, load_model(load_bundle(folder, tmp_path / "keys"), "onnxruntime-cpu"))
    assert not [warning for warning in before.findings.warnings if "unproven" in warning]
    manifest = renew_bundle(folder, {"proof": proof_of(chosen(tmp_path, FAILED))}, None, key)
    bundle = load_bundle(folder, tmp_path / "keys")
    after = analyze_case(case, load_model(bundle, "onnxruntime-cpu"))
    said = "the model is unproven: node sensitivity from 5 mm: 0.00 at its lower bound"
    assert after.findings.warnings == (said, *before.findings.warnings)
    assert [node.id for node in after.findings.nodes] == [node.id for node in before.findings.nodes]
    assert "**Unproven.** node sensitivity from 5 mm: 0.00" in model_card(manifest, CardSource(text=CardText()))
    # Nor does a later measurement of one's own take the word away.
    renewed = renew_bundle(folder, {"proof": {"dice": 0.9}}, None, key)
    assert renewed.unproven == "node sensitivity from 5 mm: 0.00 at its lower bound"
    assert renewed.proof is not None
    assert renewed.proof["dice"] == 0.9
