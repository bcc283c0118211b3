"""Engines of TensorRT for RTX, built without a GPU; they cannot be run here."""

import importlib.util
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.tensorrt_building import Builder
from runtime.inference.engine_cache import EngineCache
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu
from tests.fixtures.bundles import PATCH, make_network

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="the package tensorrt_rtx is not installed (pip install -e '.[tensorrt-rtx]')",
)
DEMO = Path(__file__).resolve().parents[3] / "models" / "demo"
TINY = FoldOptions(PATCH, 1, "float32")


@pytest.fixture(scope="module")
def demo() -> Bundle:
    """Return the demo bundle."""
    return load_bundle(DEMO)


@pytest.fixture
def builder() -> Builder:
    """Return the builder for the GPU of the study, an RTX 4090."""
    return Builder.without_gpu("sm_89")


def network() -> bytes:
    return make_network([-1, 0, 1, 2, 3, 4], 0)


def test_a_fold_of_the_demo_bundle_becomes_an_engine_without_a_gpu(
    demo: Bundle, builder: Builder, tmp_path: Path
) -> None:
    engines, fold = EngineCache(tmp_path), demo.fold_bytes(0)
    options = FoldOptions(demo.manifest.tiling.patch_size, 1, "float32")
    assert builder.build_ahead(fold, options, engines)
    assert not builder.build_ahead(fold, options, engines)
    header, engine = (tmp_path / builder.key(fold, options).file_name).read_bytes().split(b"\n", 1)
    assert b'"device": "sm_89"' in header
    assert engine.startswith(b"vtrt")
    assert len(engine) > len(fold)


def test_the_box_with_that_gpu_finds_what_was_built_ahead(builder: Builder, tmp_path: Path) -> None:
    engines = EngineCache(tmp_path)
    builder.build_ahead(network(), TINY, engines)
    on_the_box = Builder.for_gpu("tensorrt-rtx", Gpu("NVIDIA GeForce RTX 4090", "sm_89", "13.0"))
    assert engines.holds(on_the_box.key(network(), TINY))
    other_box = Builder.for_gpu("tensorrt-rtx", Gpu("NVIDIA GeForce RTX 5090", "sm_120", "13.0"))
    assert not engines.holds(other_box.key(network(), TINY))


def test_tf32_is_off_where_float32_is_demanded_and_stands_in_the_key(builder: Builder) -> None:
    half = FoldOptions(PATCH, 1, "float16")
    assert builder.key(network(), TINY).options["tf32"] is False
    assert builder.key(network(), half).options["tf32"] is True
    assert builder.build(network(), TINY) == builder.build(network(), TINY)


def test_a_file_that_is_no_network_is_refused_with_the_reason(builder: Builder) -> None:
    with pytest.raises(BackendUnavailable, match=r"tensorrt-rtx cannot read a fold of this bundle: .*parse"):
        builder.build(b"not a network", TINY)


def test_what_the_library_says_of_a_network_is_in_the_error_and_nowhere_else(
    builder: Builder, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BackendUnavailable, match=r"cannot read a fold of this bundle: .*Kernel weight"):
        builder.build(network_with_two_channels(), TINY)
    assert capfd.readouterr() == ("", "")


def network_with_two_channels() -> bytes:
    """Return a network whose weights want two channels of an image that has one."""
    import onnx

    model = onnx.load_from_string(network())
    weight = model.graph.initializer[0]
    weight.CopyFrom(onnx.helper.make_tensor("weight", onnx.TensorProto.FLOAT, (6, 2, 1, 1, 1), [0.0] * 12))
    content: bytes = model.SerializeToString()
    return content


def test_a_gpu_that_the_library_does_not_build_for_is_refused_with_what_it_does() -> None:
    # H100 (sm_90) is no RTX GPU.
    with pytest.raises(SettingInvalid, match=r"setting gpu is 'sm_90'; allowed: sm_75, .*sm_89, sm_120"):
        Builder.without_gpu("sm_90")
