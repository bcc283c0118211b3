"""ONNX Runtime on an NVIDIA GPU: its CUDA provider, or its TensorRT provider with the CUDA one for the rest."""

import tempfile
from pathlib import Path
from typing import Any, Final

import onnxruntime

from runtime.inference.backends.onnxruntime_cpu import OnnxRuntimeFold, make_session
from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.engine_cache import EngineCache, EngineKey, obtain_engine, sha256_of
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu

_CUDA: Final = "CUDAExecutionProvider"
_TENSORRT: Final = "TensorrtExecutionProvider"


class OnnxRuntimeGpuBackend:
    """One of the two providers, by ONNX Runtime's name of it, on the first GPU of this machine."""

    def __init__(self, name: str, provider: str, gpu: Gpu, cache: EngineCache | None = None) -> None:
        self.name = name
        self._provider = provider
        self._gpu = gpu
        self._cache = cache
        # The CUDA libraries of NVIDIA's wheels lie where the loader does not look.
        onnxruntime.preload_dlls()

    def load_fold(self, model: bytes, options: FoldOptions) -> OnnxRuntimeFold:
        """Make a session; with TensorRT the engine inside it is kept, with CUDA there is none to keep."""
        if self._provider == _CUDA:
            return OnnxRuntimeFold(make_session(model, options, [cuda_provider(options)]))
        return OnnxRuntimeFold(self._tensorrt_session(model, options))

    def _tensorrt_session(self, model: bytes, options: FoldOptions) -> Any:
        def load(engine: bytes) -> Any:
            """Return a session of a network that holds its engine."""
            return make_session(engine, options, tensorrt_providers(options))

        def build() -> tuple[Any, bytes]:
            """Return a session, and its network with the engine in it as ONNX Runtime writes it to a file."""
            if self._cache is None:
                return load(model), b""
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "fold.onnx"
                session = make_session(model, options, tensorrt_providers(options, file))
                if not file.is_file():
                    raise BackendUnavailable("ONNX Runtime made no engine of a fold of this bundle")
                return session, file.read_bytes()

        return obtain_engine(self._cache, self._key(model, options), load, build)

    def _key(self, model: bytes, options: FoldOptions) -> EngineKey:
        import tensorrt

        gpu = self._gpu
        return EngineKey(
            backend=self.name,
            library=f"onnxruntime {onnxruntime.__version__}, tensorrt {tensorrt.__version__}",
            device=f"{gpu.name}, {gpu.architecture}, CUDA {gpu.cuda}",
            fold_sha256=sha256_of(model),
            options={"tile": "x".join(map(str, (1, 1, *options.patch_size))), "precision": options.precision},
        )


def cuda_provider(options: FoldOptions) -> tuple[str, dict[str, Any]]:
    """Return the CUDA provider with its options.

    The algorithm of a convolution is searched for at its first run: the provider's DEFAULT is four times slower in 3D
    (microsoft/onnxruntime issue 22705). TF32 rounds float32 products to 10 bits and is on unless told otherwise.
    """
    tf32 = options.precision != "float32"
    return _CUDA, {"device_id": 0, "cudnn_conv_algo_search": "EXHAUSTIVE", "use_tf32": int(tf32)}


def tensorrt_providers(options: FoldOptions, engine_file: Path | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return the TensorRT provider, which writes network and engine to a file if one is named, and the CUDA provider.

    float16 stays off: the provider makes weakly typed networks, in which TensorRT may halve the statistics of a
    normalisation.
    """
    how: dict[str, Any] = {"device_id": 0, "trt_fp16_enable": False}
    if engine_file is not None:
        how |= {
            "trt_dump_ep_context_model": True,
            "trt_ep_context_file_path": str(engine_file),
            "trt_ep_context_embed_mode": 1,
        }
    return [(_TENSORRT, how), cuda_provider(options)]
