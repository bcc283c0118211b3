"""TensorRT engines from ONNX folds, by `tensorrt` or by `tensorrt_rtx`, which has the same builder.

Networks are strongly typed: what is computed in which precision stands in the ONNX file, so that the statistics of a
normalisation stay in float32 where the file says so. In weakly typed networks TensorRT chooses, and float16 there
gives empty masks (MIC-DKFZ/nnUNet issues 2874 and 3026).
"""

import importlib
from collections import deque
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Final

from base.errors import SettingInvalid
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.engine_cache import EngineCache, EngineKey, sha256_of
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu

RTX: Final = "tensorrt-rtx"
_MODULES: Final = {"tensorrt": "tensorrt", RTX: "tensorrt_rtx"}


@dataclass(frozen=True)
class Builder:
    """One of the two libraries, and what it builds for."""

    name: str
    """The backend's name: `tensorrt` or `tensorrt-rtx`."""

    architecture: str
    """Compute capability such as `sm_89`. TensorRT builds for the GPU that is there and for no other."""

    device: str
    """What its engines are bound to, for their key."""

    @classmethod
    def for_gpu(cls, name: str, gpu: Gpu) -> "Builder":
        """Return the builder for the GPU of this machine.

        An engine of TensorRT is bound to the GPU and the driver. One of TensorRT for RTX holds what the driver compiles
        for the very GPU when the engine is loaded, and fits all of one compute capability.
        """
        bound_to = gpu.architecture if name == RTX else f"{gpu.name}, {gpu.architecture}, CUDA {gpu.cuda}"
        return cls(name, gpu.architecture, bound_to)

    @classmethod
    def without_gpu(cls, architecture: str) -> "Builder":
        """Return TensorRT for RTX building for another machine's GPU; raises `SettingInvalid` on an unknown one."""
        builder = cls(RTX, architecture, architecture)
        builder.capability()
        return builder

    @property
    def library(self) -> ModuleType:
        """Return the library; raises `BackendUnavailable` when it cannot be loaded."""
        try:
            return importlib.import_module(_MODULES[self.name])
        except (ImportError, OSError) as error:
            raise BackendUnavailable(
                f"{self.name} needs the package {_MODULES[self.name]}, which cannot be loaded"
            ) from error

    def capability(self) -> Any:
        """Return the library's word for the architecture; raises `SettingInvalid` on one that it does not build for."""
        known = {name for name in self.library.ComputeCapability.__members__ if name.startswith("SM")}
        wanted = self.architecture.upper().replace("_", "")
        if wanted not in known:
            allowed = ", ".join(sorted((f"sm_{name[2:]}" for name in known), key=lambda each: int(each[3:])))
            raise SettingInvalid("gpu", self.architecture, allowed)
        return getattr(self.library.ComputeCapability, wanted)

    def key(self, model: bytes, options: FoldOptions) -> EngineKey:
        """Return what the engine of a fold depends on."""
        return EngineKey(
            backend=self.name,
            library=f"{_MODULES[self.name]} {self.library.__version__}",
            device=self.device,
            fold_sha256=sha256_of(model),
            options={
                "tile": "x".join(map(str, _tile(options))),
                "precision": options.precision,
                "tf32": _allows_tf32(options),
                "strongly_typed": True,
            },
        )

    def build(self, model: bytes, options: FoldOptions) -> bytes:
        """Return the engine of one fold, for single tiles; raises `BackendUnavailable` with the library's reason."""
        trt, log = self.library, quiet_logger(self.library)
        builder = trt.Builder(log)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, log)
        if not parser.parse(model):
            raise BackendUnavailable(f"{self.name} cannot read a fold of this bundle: {parser.get_error(0).desc()}")
        network.get_input(0).shape = _tile(options)
        config = builder.create_builder_config()
        if not _allows_tf32(options):
            config.clear_flag(trt.BuilderFlag.TF32)
        if self.name == RTX:
            config.num_compute_capabilities = 1
            config.set_compute_capability(self.capability(), 0)
        engine = builder.build_serialized_network(network, config)
        if engine is None:
            raise BackendUnavailable(f"{self.name} cannot build an engine of a fold of this bundle: {log.last_error}")
        return bytes(engine)

    def build_ahead(self, model: bytes, options: FoldOptions, engines: EngineCache) -> bool:
        """Store the engine of one fold unless a sound one is stored; return whether it was built. Raises `OSError`."""
        key = self.key(model, options)
        if engines.holds(key):
            return False
        engines.write(key, self.build(model, options))
        return True


@cache
def quiet_logger(trt: ModuleType) -> Any:
    """Return the one logger of the library in this process: it keeps errors for our own, and writes nothing.

    The library holds on to the first logger that it is given, so this one must live as long as the process.
    """

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        """Keeps the last errors."""

        def __init__(self) -> None:
            super().__init__()
            self.errors: deque[str] = deque(maxlen=3)

        @property
        def last_error(self) -> str:
            """The latest error in one line."""
            return self.errors[-1] if self.errors else "it gives no reason"

        def log(self, severity: Any, text: str) -> None:
            """Take one message."""
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                self.errors.append(" ".join(text.split()))

    return Logger()


def _tile(options: FoldOptions) -> tuple[int, ...]:
    """Return the shape of the network's input: one tile at a time, since a fixed shape is faster than a free one."""
    return (1, 1, *options.patch_size)


def _allows_tf32(options: FoldOptions) -> bool:
    """Return whether float32 products may be rounded to TF32's 10 bits: only where float32 is not demanded."""
    return options.precision != "float32"
