"""The parity gate on the tiny bundle: what passes, what is refused with its figures, and who is named."""

import io
import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from base.errors import SettingInvalid
from export.agreement import NodeAgreement
from export.parity_gate import Candidate, CaseVerdict, candidates_of, gate_cases, run_gate
from export.parity_limits import TOLERANCES, judge
from export.parity_table import parity_table
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.registry import BACKENDS
from runtime.inference.comparing import LabelAgreement, LogitError
from runtime.inference.model import LoadedModel, load_model
from tests.fixtures.bundles import make_network, make_tiny_bundle, make_tiny_volume, reseal
from trust.errors import BundleRejected

SAME = NodeAgreement(True, "", 0.0)
NO_ERROR = LogitError(0.0, 0.0)
ALIKE = LabelAgreement(0.0, {"obturator": 1.0, "node_positive": 0.9}, {"obturator": 5000, "node_positive": 900})
CPU = ("openvino-cpu", "onnxruntime-cpu")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return the opened tiny bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    return load_bundle(make_tiny_bundle(folder), folder / "keys")


@pytest.fixture(scope="module")
def verdicts(bundle: Bundle) -> list[CaseVerdict]:
    """Return the verdicts on the golden case."""
    return list(run_gate(bundle, gate_cases(bundle, ()), candidates_of(bundle, CPU), threads=1))


def test_every_backend_passes_in_each_of_its_precisions(verdicts: list[CaseVerdict]) -> None:
    assert [(each.candidate, each.precision, each.outcome) for each in verdicts] == [
        ("openvino-cpu exact", "float32", "passed"),
        ("openvino-cpu fast", "bfloat16", "passed"),
        ("onnxruntime-cpu exact", "float32", "passed"),
    ]
    assert verdicts[2].logits == NO_ERROR
    for each in verdicts:
        assert each.nodes == 2
        assert each.findings is not None
        assert each.findings.same
        assert each.findings.largest_axis_difference_mm == pytest.approx(0, abs=0.001)
        assert each.labels is not None
        assert set(each.labels.dice.values()) == {1.0}


def test_a_backend_on_a_gpu_is_compared_in_float32_and_float16(bundle: Bundle) -> None:
    found = candidates_of(bundle, ("tensorrt", "onnxruntime-tensorrt"))
    assert [(each.name, each.precision) for each in found] == [
        ("tensorrt exact", "float32"),
        ("tensorrt fast", "float16"),
        ("onnxruntime-tensorrt exact", "float32"),
    ]


def test_a_network_in_lesser_precision_that_says_something_else_is_refused_and_named(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path = make_tiny_bundle(tmp_path, key=key)
    for fold in range(2):
        # The classes of positive and negative nodes changed places.
        other = [-0.7, 0.6, 1.9, 3.1, 5.7, 4.4]
        (path / f"fold_{fold}.float16.onnx").write_bytes(make_network(other, 0))
    reseal(path, key, variants={"float16": ["fold_0.float16.onnx", "fold_1.float16.onnx"]})
    wrong = load_bundle(path, tmp_path / "keys")
    found = candidates_of(wrong, CPU)
    assert found[-1] == Candidate("onnxruntime-cpu", "fast", "float16", "float16")
    verdict = next(run_gate(wrong, gate_cases(wrong, ()), found[-1:], threads=1))
    assert (verdict.candidate, verdict.outcome) == ("onnxruntime-cpu (float16 networks)", "refused")
    assert any(reason.startswith("mean logit error ") and "allowed 0.001" in reason for reason in verdict.reasons)


def test_a_bundle_that_is_declared_for_exact_alone_is_judged_and_run_in_no_other_mode(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path = make_tiny_bundle(tmp_path, key=key)
    reseal(path, key, modes=["exact"])
    declared = load_bundle(path, tmp_path / "keys")
    assert [each.name for each in candidates_of(declared, CPU)] == ["openvino-cpu exact", "onnxruntime-cpu exact"]
    load_model(declared, "openvino-cpu", "exact", threads=1)
    with pytest.raises(SettingInvalid, match="mode is 'fast'; allowed: exact: this bundle is declared for no other"):
        load_model(declared, "openvino-cpu", "fast", threads=1)


def test_a_backend_that_does_not_start_is_refused_with_its_reason(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKENDS, "openvino-cpu", replace(BACKENDS["openvino-cpu"], packages=("absent_package",)))
    candidates = candidates_of(bundle, ("openvino-cpu",))
    found = list(run_gate(bundle, gate_cases(bundle, ()), candidates, threads=1))
    assert {(each.case, each.outcome) for each in found} == {("all", "refused")}
    assert found[0].reasons == ("backend openvino-cpu needs the package absent_package, which is not installed",)


def test_a_case_of_a_nifti_file_is_compared_too(bundle: Bundle, tmp_path: Path) -> None:
    volume = make_tiny_volume()[0]
    # NIfTI holds (x, y, z) in RAS.
    affine = np.diag([-volume.spacing_mm[2], -volume.spacing_mm[1], volume.spacing_mm[0], 1.0])
    nibabel.save(nibabel.Nifti1Image(volume.voxels.transpose(2, 1, 0), affine), tmp_path / "other.nii.gz")  # type: ignore[no-untyped-call]
    cases = gate_cases(bundle, [tmp_path / "other.nii.gz"])[1:]
    found = list(run_gate(bundle, cases, candidates_of(bundle, ("openvino-cpu",))[:1], threads=1))
    assert [(each.case, each.outcome, each.nodes) for each in found] == [("other.nii.gz", "passed", 2)]


def test_a_case_that_cannot_be_analysed_is_no_case_to_compare_on(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cases = gate_cases(bundle, [tmp_path / "empty"])[1:]
    with pytest.raises(BundleRejected, match="case empty cannot be compared on: "):
        list(run_gate(bundle, cases, (), threads=1))


@pytest.mark.parametrize(
    ("logits", "labels", "findings", "reasons"),
    [
        (NO_ERROR, ALIKE, SAME, []),
        (LogitError(0.3, 0.0), ALIKE, SAME, ["largest logit error 3.00e-01, allowed 0.15"]),
        (LogitError(0.0, float("nan")), ALIKE, SAME, ["mean logit error nan, allowed 0.02"]),
        (
            NO_ERROR,
            replace(ALIKE, dice={"obturator": 0.997, "node_positive": 0.5}),
            SAME,
            ["Dice of obturator 0.9970, allowed 0.998"],
        ),
        (NO_ERROR, ALIKE, NodeAgreement(False, "3 nodes instead of 2", None), ["3 nodes instead of 2"]),
        (
            NO_ERROR,
            ALIKE,
            NodeAgreement(True, "", 0.12),
            ["short axis differs by 0.12 mm, allowed 0.1"],
        ),
    ],
)
def test_what_lies_beyond_the_tolerance_is_told_in_figures(
    logits: LogitError, labels: LabelAgreement, findings: NodeAgreement, reasons: list[str]
) -> None:
    of_images, of_findings = judge(TOLERANCES["bfloat16"], logits, labels, findings)
    assert of_images + of_findings == reasons


def test_the_table_shows_every_figure_and_the_reasons(verdicts: list[CaseVerdict]) -> None:
    refused = replace(verdicts[0], outcome="refused", reasons=("Dice of [bold] 0.5",))
    not_run = CaseVerdict("all", "tensorrt fast", "float16", "not run", ("no GPU",))
    console = Console(width=80, file=io.StringIO())
    with console.capture() as printed:
        console.print(parity_table([*verdicts, refused, not_run]))
    text = printed.get()
    for words in ("golden", "openvino-cpu", "exact", "float32", "max ", "OB 1.0000", "pos. 1.0000", "passed"):
        assert words in text
    assert "refused: openvino-cpu exact on golden: Dice of [bold] 0.5" in text
    assert "not run: tensorrt fast on all: no GPU" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_verdicts_are_plain_json(verdicts: list[CaseVerdict]) -> None:
    assert json.loads(json.dumps(verdicts[1].to_mapping()))["labels"]["dice"]["obturator"] == 1.0


def test_a_model_that_answers_with_no_numbers_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = LoadedModel.segment_with_logits

    def broken(self: LoadedModel, *arguments: object) -> object:
        if self.backend_name == "openvino-cpu":
            raise BundleRejected("fold 0 of the bundle answers with values that are no finite numbers")
        return whole(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(LoadedModel, "segment_with_logits", broken)
    candidates = candidates_of(bundle, ("openvino-cpu",))[:1]
    (verdict,) = run_gate(bundle, gate_cases(bundle, ()), candidates, threads=1)
    assert verdict.outcome == "refused"
    assert "no finite numbers" in verdict.reasons[0]
