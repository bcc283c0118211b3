"""Which inference engines there are, which of them are present, and the best of those."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from base.errors import SettingInvalid
from runtime.inference.backends.protocol import Backend, Precision
from runtime.inference.engine_cache import EngineCache
from runtime.inference.errors import BackendUnavailable, DeviceAbsent
from runtime.inference.gpu import PACKAGE as CUDA_PACKAGE
from runtime.inference.gpu import find_gpu


@dataclass(frozen=True)
class BackendKind:
    """What is known of a backend before its package is imported."""

    packages: tuple[str, ...]
    """Import names of what it needs."""

    make: Callable[[EngineCache | None], Backend]
    """Imports it."""

    fast_precision: Precision
    """What the `fast` mode computes in."""

    reads_variants: bool = False
    """Whether the networks in lesser precision that a bundle may carry are its way to that precision. Else it halves
    the float32 network itself.
    """

    on_gpu: bool = False
    provider: str = ""
    """ONNX Runtime's name of what must be built into it, if that is what the backend uses."""


def _make_openvino(cache: EngineCache | None) -> Backend:
    from runtime.inference.backends.openvino_cpu import OpenVinoBackend

    return OpenVinoBackend(cache)


def _make_onnxruntime(_: EngineCache | None) -> Backend:
    from runtime.inference.backends.onnxruntime_cpu import OnnxRuntimeBackend

    return OnnxRuntimeBackend()


def _make_onnxruntime_gpu(name: str, provider: str, cache: EngineCache | None) -> Backend:
    from runtime.inference.backends.onnxruntime_gpu import OnnxRuntimeGpuBackend

    return OnnxRuntimeGpuBackend(name, provider, find_gpu(), cache)


def _make_tensorrt(name: str, cache: EngineCache | None) -> Backend:
    from runtime.inference.backends.tensorrt_gpu import TensorRtBackend

    return TensorRtBackend(name, find_gpu(), cache)


_CUDA: Final = "CUDAExecutionProvider"
_TENSORRT: Final = "TensorrtExecutionProvider"

BACKENDS: Final[dict[str, BackendKind]] = {
    "tensorrt": BackendKind(
        ("tensorrt", CUDA_PACKAGE), partial(_make_tensorrt, "tensorrt"), "float16", reads_variants=True, on_gpu=True
    ),
    "tensorrt-rtx": BackendKind(
        ("tensorrt_rtx", CUDA_PACKAGE),
        partial(_make_tensorrt, "tensorrt-rtx"),
        "float16",
        reads_variants=True,
        on_gpu=True,
    ),
    "onnxruntime-cuda": BackendKind(
        ("onnxruntime", CUDA_PACKAGE),
        partial(_make_onnxruntime_gpu, "onnxruntime-cuda", _CUDA),
        "float16",
        reads_variants=True,
        on_gpu=True,
        provider=_CUDA,
    ),
    # Its networks are weakly typed, so float16 is not safe in it (`onnxruntime_gpu`).
    "onnxruntime-tensorrt": BackendKind(
        ("onnxruntime", "tensorrt", CUDA_PACKAGE),
        partial(_make_onnxruntime_gpu, "onnxruntime-tensorrt", _TENSORRT),
        "float32",
        on_gpu=True,
        provider=_TENSORRT,
    ),
    "openvino-cpu": BackendKind(("openvino",), _make_openvino, "bfloat16"),
    "onnxruntime-cpu": BackendKind(("onnxruntime",), _make_onnxruntime, "float32"),
}
"""By name, the fastest first."""

BACKEND_NAMES: Final = ("auto", *BACKENDS)
"""What the setting `backend` may be; `auto` is the best one present."""


def available_backends() -> tuple[str, ...]:
    """Return the names of the backends that are present (packages, and a GPU where one is needed), the best first."""
    return tuple(name for name in BACKENDS if absence(name) is None)


def absence(name: str) -> str | None:
    """Return why a backend is not present on this machine, None when it is."""
    error = _absence_error(name)
    return None if error is None else str(error)


def _absence_error(name: str) -> BackendUnavailable | None:
    """Return what a start with an absent backend ends with: a GPU may still come, a package does not."""
    kind = BACKENDS[name]
    missing = [package for package in kind.packages if not _is_installed(package)]
    if missing:
        return BackendUnavailable(f"backend {name} needs {_packages(missing)} not installed")
    if kind.on_gpu:
        try:
            find_gpu()
        except BackendUnavailable as error:
            return DeviceAbsent(f"backend {name} needs an NVIDIA GPU: {error}")
    if kind.provider and not _has_provider(kind.provider):
        lack = f"the onnxruntime that is installed has no {kind.provider}"
        return BackendUnavailable(f"backend {name} needs onnxruntime-gpu; {lack}")
    return None


def make_backend(name: str | None = None, cache: EngineCache | None = None) -> Backend:
    """Return the named backend; None and `auto` give the best one present.

    `cache` is where it keeps compiled folds; None compiles them at every start. Raises `SettingInvalid` on an unknown
    name and `BackendUnavailable`, with the reason, when it is not present.
    """
    return BACKENDS[chosen_backend(name)].make(cache)


def chosen_backend(name: str | None = None) -> str:
    """Return the name of the backend that `make_backend` makes, without importing it; raises what that raises."""
    if name is None or name == "auto":
        present = available_backends()
        if not present:
            raise BackendUnavailable(f"no inference backend is installed; one of {', '.join(BACKENDS)} is needed")
        name = present[0]
    require_backend(name)
    return name


def require_backend(name: str) -> None:
    """Raise `SettingInvalid` on an unknown name, and `BackendUnavailable`, with the reason, when it is not present."""
    if name not in BACKENDS:
        raise SettingInvalid("backend", name, ", ".join(BACKEND_NAMES))
    error = _absence_error(name)
    if error is not None:
        raise error


def _is_installed(package: str) -> bool:
    # Of a package inside another the outer one is imported, which may be missing itself.
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _packages(names: list[str]) -> str:
    return f"the package {names[0]}, which is" if len(names) == 1 else f"the packages {', '.join(names)}, which are"


def _has_provider(name: str) -> bool:
    import onnxruntime

    return name in onnxruntime.get_available_providers()
