"""The one protocol behind which inference engines stand, and which of them are present."""

import importlib.util
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from runtime.bundle.manifest import Shape
from runtime.core.errors import BackendUnavailable, SettingInvalid

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class FoldOptions:
    """How one fold is compiled."""

    patch_size: Shape
    """Tile (z, y, x)."""

    threads: int
    """CPU threads of the engine."""

    precision: Precision
    """The least precise arithmetic allowed; a backend may compute more precisely."""


class Fold(Protocol):
    """One compiled network."""

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        ...


class Backend(Protocol):
    """One inference engine."""

    @property
    def name(self) -> str:
        """The word for it in settings, logs and results, such as `openvino-cpu`."""
        ...

    def load_fold(self, model: bytes, options: FoldOptions) -> Fold:
        """Compile one ONNX network; raises `BackendUnavailable` when the engine cannot."""
        ...


_MODULES: Final = {"openvino-cpu": "openvino", "onnxruntime-cpu": "onnxruntime"}
"""Backend name -> the package it needs, the fastest first."""

BACKEND_NAMES: Final = ("auto", *_MODULES)
"""What the setting `backend` may be; `auto` is the best one installed."""


def available_backends() -> tuple[str, ...]:
    """Return the names of the backends whose packages are installed, the best first."""
    return tuple(name for name, module in _MODULES.items() if importlib.util.find_spec(module) is not None)


def make_backend(name: str | None = None) -> Backend:
    """Return the named backend; None and `auto` give the best one present.

    Raises `SettingInvalid` on an unknown name and `BackendUnavailable` when its package is not installed.
    """
    present = available_backends()
    name = None if name == "auto" else name
    if name is not None and name not in _MODULES:
        raise SettingInvalid("backend", name, ", ".join(BACKEND_NAMES))
    if name is None and not present:
        raise BackendUnavailable(f"no inference backend is installed; one of {', '.join(_MODULES)} is needed")
    chosen = name or present[0]
    if chosen not in present:
        raise BackendUnavailable(f"backend {chosen} needs the package {_MODULES[chosen]}, which is not installed")
    if chosen == "openvino-cpu":
        from runtime.inference.openvino_backend import OpenVinoBackend

        return OpenVinoBackend()
    from runtime.inference.onnxruntime_backend import OnnxRuntimeBackend

    return OnnxRuntimeBackend()
