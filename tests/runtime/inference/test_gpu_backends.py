"""What the backends on a GPU say and do where there is none, and how they name what is missing."""

import importlib.util
from importlib.machinery import ModuleSpec

import onnxruntime
import pytest

from runtime.inference.backends import registry
from runtime.inference.backends.onnxruntime_cpu import make_session, require_provider
from runtime.inference.backends.onnxruntime_gpu import cuda_provider, tensorrt_providers
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.registry import BACKENDS, absence, available_backends, make_backend
from runtime.inference.backends.tensorrt_building import Builder
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu
from tests.fixtures.bundles import PATCH, make_network

ON_GPU = [name for name, kind in BACKENDS.items() if kind.on_gpu]
EXACT, FAST = FoldOptions(PATCH, 1, "float32"), FoldOptions(PATCH, 1, "float16")
RTX_4090 = Gpu("NVIDIA GeForce RTX 4090", "sm_89", "13.0")


@pytest.fixture
def all_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every package seem installed."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))


def have_gpu(monkeypatch: pytest.MonkeyPatch, gpu: Gpu | None) -> None:
    def find() -> Gpu:
        if gpu is None:
            raise BackendUnavailable("the NVIDIA driver knows no GPU")
        return gpu

    monkeypatch.setattr(registry, "find_gpu", find)


@pytest.mark.parametrize("name", ON_GPU)
def test_without_a_gpu_a_backend_is_absent_and_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch, all_packages: None
) -> None:
    have_gpu(monkeypatch, None)
    assert absence(name) == f"backend {name} needs an NVIDIA GPU: the NVIDIA driver knows no GPU"
    assert name not in available_backends()
    with pytest.raises(BackendUnavailable, match=f"backend {name} needs an NVIDIA GPU"):
        make_backend(name)


def test_without_its_package_a_backend_is_absent_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert absence("openvino-cpu") == "backend openvino-cpu needs the package openvino, which is not installed"
    needed = "the packages tensorrt_rtx, cuda.bindings, which are not installed"
    assert absence("tensorrt-rtx") == f"backend tensorrt-rtx needs {needed}"
    with pytest.raises(BackendUnavailable, match="no inference backend is installed; one of tensorrt, tensorrt-rtx,"):
        make_backend()


def test_with_a_gpu_the_best_backend_present_is_tensorrt(monkeypatch: pytest.MonkeyPatch, all_packages: None) -> None:
    have_gpu(monkeypatch, RTX_4090)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert available_backends() == ("tensorrt", "tensorrt-rtx", "onnxruntime-cuda", "openvino-cpu", "onnxruntime-cpu")
    assert absence("onnxruntime-tensorrt") == (
        "backend onnxruntime-tensorrt needs onnxruntime-gpu; the onnxruntime that is installed has no "
        "TensorrtExecutionProvider"
    )


def test_a_session_that_fell_back_to_the_cpu_is_refused() -> None:
    session = make_session(make_network([-1, 0, 1, 2, 3, 4], 0), EXACT, ["CPUExecutionProvider"])
    with pytest.raises(
        BackendUnavailable,
        match="could not load CUDAExecutionProvider and would compute on CPUExecutionProvider instead: a library of",
    ):
        require_provider(session, "CUDAExecutionProvider")


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this ONNX Runtime has the CUDA provider"
)
@pytest.mark.parametrize("providers", [[cuda_provider(EXACT)], tensorrt_providers(EXACT)])
def test_asking_for_a_provider_that_is_not_built_in_ends_in_a_clear_error(
    providers: list[tuple[str, dict[str, object]]],
) -> None:
    network = make_network([-1, 0, 1, 2, 3, 4], 0)
    with (
        pytest.warns(UserWarning, match="is not in available provider names"),
        pytest.raises(BackendUnavailable, match=f"could not load {providers[0][0]}"),
    ):
        make_session(network, EXACT, providers)


def test_convolutions_are_searched_for_and_tf32_is_stated() -> None:
    assert cuda_provider(EXACT)[1] == {"device_id": 0, "cudnn_conv_algo_search": "EXHAUSTIVE", "use_tf32": 0}
    assert cuda_provider(FAST)[1]["use_tf32"] == 1
    assert tensorrt_providers(FAST)[0][1]["trt_fp16_enable"] is False


def test_an_engine_of_tensorrt_is_bound_to_the_gpu_by_name_and_one_for_rtx_to_its_architecture() -> None:
    assert Builder.for_gpu("tensorrt", RTX_4090).device == "NVIDIA GeForce RTX 4090, sm_89, CUDA 13.0"
    assert Builder.for_gpu("tensorrt-rtx", RTX_4090).device == "sm_89"
