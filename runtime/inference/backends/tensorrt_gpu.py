"""TensorRT and TensorRT for RTX on an NVIDIA GPU: an engine per fold, built on the box and kept."""

from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.backends.tensorrt_building import Builder, quiet_logger
from runtime.inference.engine_cache import EngineCache, obtain_engine
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu, GpuArray, GpuStream


class TensorRtFold:
    """A loaded engine with its own input and output in GPU memory; for one thread at a time."""

    def __init__(self, library: Any, engine: Any) -> None:
        self._engine = engine
        self._context = engine.create_execution_context()
        if self._context is None:
            raise BackendUnavailable(f"the GPU has no room for an engine: {quiet_logger(library).last_error}")
        self._stream = GpuStream()
        self._input = self._place(library, library.TensorIOMode.INPUT)
        self._output = self._place(library, library.TensorIOMode.OUTPUT)

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        return np.stack([self._infer_one(tile) for tile in tiles])

    def rest(self) -> None:
        """Keep everything: what is on the GPU is there for this server alone, and taking it again takes time."""

    def _infer_one(self, tile: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._input.host[0] = tile
        self._input.upload(self._stream)
        if not self._context.execute_async_v3(self._stream.handle):
            raise BackendUnavailable("the GPU does not run a fold of this bundle")
        self._output.download(self._stream)
        self._stream.wait()
        logits: npt.NDArray[np.float32] = self._output.host[0].astype(np.float32)
        return logits

    def _place(self, library: Any, mode: Any) -> GpuArray:
        """Return the memory of the engine's only tensor of that direction."""
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        name = next(name for name in names if self._engine.get_tensor_mode(name) == mode)
        shape = tuple(int(size) for size in self._engine.get_tensor_shape(name))
        array = GpuArray(shape, library.nptype(self._engine.get_tensor_dtype(name)))
        self._context.set_tensor_address(name, array.address)
        return array


class TensorRtBackend:
    """One of the two libraries on the first GPU of this machine."""

    def __init__(self, name: str, gpu: Gpu, cache: EngineCache | None = None) -> None:
        self.name = name
        self._builder = Builder.for_gpu(name, gpu)
        self._library = self._builder.library
        self._runtime = self._library.Runtime(quiet_logger(self._library))
        self._cache = cache

    def load_fold(self, model: bytes, options: FoldOptions) -> TensorRtFold:
        """Return the engine of one ONNX network: the stored one when it is sound, else built now."""

        def build() -> tuple[Any, bytes]:
            """Return the engine loaded, and its bytes."""
            engine = self._builder.build(model, options)
            return self._load(engine), engine

        engine = obtain_engine(self._cache, self._builder.key(model, options), self._load, build)
        return TensorRtFold(self._library, engine)

    def _load(self, engine: bytes) -> Any:
        loaded = self._runtime.deserialize_cuda_engine(engine)
        if loaded is None:
            raise BackendUnavailable(f"{self.name} does not take the engine: {quiet_logger(self._library).last_error}")
        return loaded
