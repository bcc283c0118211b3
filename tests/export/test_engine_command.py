"""`sidewall-export engine`: engines before the first start, for a GPU that is not here or for this machine."""

import importlib.util
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from base.errors import SettingInvalid
from export.cli import app
from export.onnx_half import in_half_precision
from export.onnx_shuffle import with_pixel_shuffle
from runtime.bundle.loading import load_bundle
from runtime.bundle.manifest import HalfPrecision
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.tensorrt_building import Builder
from runtime.inference.engine_cache import EngineCache
from runtime.inference.errors import BackendUnavailable
from runtime.inference.model import load_model
from tests.fixtures.bundles import FOLD_COUNT, make_tiny_bundle

DEMO = Path(__file__).resolve().parents[2] / "models" / "demo"
needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="the package tensorrt_rtx is not installed (pip install -e '.[tensorrt-rtx]')",
)


def run(folder: Path, *arguments: str) -> str:
    """Run the command on a tiny bundle in `folder` with `folder`/engines; return what it printed."""
    if not (folder / "tiny").is_dir():
        make_tiny_bundle(folder)
    paths = [str(folder / "tiny"), "--cache", str(folder / "engines"), "--trusted-keys", str(folder / "keys")]
    return CliRunner().invoke(app, ["engine", *paths, *arguments], catch_exceptions=False).output


@needs_rtx
def test_engines_for_the_gpu_of_another_box_are_built_once(tmp_path: Path) -> None:
    for_rtx_4090 = ("--backend", "tensorrt-rtx", "--gpu", "sm_89")
    first = run(tmp_path, *for_rtx_4090)
    assert "fold 1: " in first
    assert "MB for sm_89 in float32, built in " in first
    assert f"engines: {FOLD_COUNT} engines, {FOLD_COUNT} of them new" in " ".join(first.split())
    assert run(tmp_path, *for_rtx_4090).count("there already") == FOLD_COUNT
    assert "in float16, built in" in run(tmp_path, *for_rtx_4090, "--precision", "float16")
    assert len(EngineCache(tmp_path / "engines")) == 2 * FOLD_COUNT


@needs_rtx
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_fold_of_the_demo_bundle_in_half_precision_becomes_an_engine(precision: HalfPrecision) -> None:
    fold = onnx.load(DEMO / "fold_0.onnx")
    builder, options = Builder.without_gpu("sm_89"), FoldOptions((24, 160, 160), 1, precision)
    halved = in_half_precision(with_pixel_shuffle(fold), precision)
    engine = builder.build(halved.SerializeToString(), options)
    assert engine.startswith(b"vtrt")
    # Half the weights and more: what is computed beside them stays in float32.
    assert len(engine) < len(builder.build(fold.SerializeToString(), options))


@needs_rtx
def test_what_the_builder_cannot_do_is_told_in_its_words() -> None:
    # A transposed convolution in bfloat16 is beyond TensorRT for RTX 1.7; the pixel shuffle takes its place.
    halved = in_half_precision(onnx.load(DEMO / "fold_0.onnx"), "bfloat16").SerializeToString()
    with pytest.raises(BackendUnavailable, match=r"tensorrt-rtx cannot build an engine of a fold .*deconv"):
        Builder.without_gpu("sm_89").build(halved, FoldOptions((24, 160, 160), 1, "bfloat16"))


def test_what_was_compiled_ahead_for_this_machine_is_there_at_its_start(tmp_path: Path) -> None:
    assert f"{FOLD_COUNT} of them new" in run(tmp_path, "--backend", "openvino-cpu")
    said = list[str]()
    bundle = load_bundle(tmp_path / "tiny", tmp_path / "keys")
    load_model(bundle, "openvino-cpu", engines=EngineCache(tmp_path / "engines", said.append))
    assert said == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--backend", "abacus"), "setting backend is 'abacus'; allowed: tensorrt, tensorrt-rtx, "),
        (("--backend", "tensorrt", "--gpu", "sm_89"), "setting gpu is 'sm_89'; allowed: only with --backend tensorrt-"),
        (
            ("--backend", "tensorrt-rtx", "--precision", "int8"),
            "setting precision is 'int8'; allowed: float16 or float",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_can(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingInvalid, match=words):
        run(tmp_path, *arguments)


def test_without_a_gpu_and_without_its_name_there_is_nothing_to_build_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_none() -> None:
        raise BackendUnavailable("no NVIDIA driver (libcuda) is on this machine")

    monkeypatch.setattr("runtime.inference.backends.registry.find_gpu", find_none)
    with pytest.raises(BackendUnavailable, match=r"backend tensorrt-rtx needs (an NVIDIA GPU|the package)"):
        run(tmp_path, "--backend", "tensorrt-rtx")
