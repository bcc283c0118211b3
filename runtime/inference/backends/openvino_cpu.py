"""OpenVINO on the CPU: one request, one tile at a time, on all threads it is given."""

import sys
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# OpenVINO reports its use to its maker over the network unless this import fails; it has a stand-in for that case.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402 - only after the line above

from runtime.inference.backends.protocol import FoldOptions, Precision  # noqa: E402
from runtime.inference.engine_cache import EngineCache, EngineKey, obtain_engine, sha256_of  # noqa: E402
from runtime.inference.errors import BackendUnavailable  # noqa: E402

_DEVICE: Final = "CPU"
_PRECISION_HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}


class OpenVinoFold:
    """A network compiled for tiles of one fixed shape."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self._output_shape = tuple(compiled.output(0).shape)[1:]

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        logits = np.empty((len(tiles), *self._output_shape), dtype=np.float32)
        for tile, answer in zip(tiles, logits, strict=True):
            self._request.infer([np.ascontiguousarray(tile[None])], share_inputs=True)
            answer[...] = self._request.get_output_tensor(0).data[0]
        return logits

    def rest(self) -> None:
        """Give back the layers' intermediate results: folds run one after the other and need them one at a time."""
        self._compiled.release_memory()


class OpenVinoBackend:
    """OpenVINO's CPU plugin."""

    name = "openvino-cpu"

    def __init__(self, cache: EngineCache | None = None) -> None:
        self._core = openvino.Core()
        self._cache = cache

    def load_fold(self, model: bytes, options: FoldOptions) -> OpenVinoFold:
        """Compile one ONNX network for the tile shape; a fixed shape is faster than a dynamic one."""
        properties = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[options.precision],
            "INFERENCE_NUM_THREADS": options.threads,
        }

        def load(engine: bytes) -> Any:
            """Return what `export_model` wrote, compiled: a third of the time, and the same answers."""
            try:
                return self._core.import_model(engine, _DEVICE, properties)
            except RuntimeError as error:
                raise BackendUnavailable("OpenVINO does not take the stored one") from error

        def build() -> tuple[Any, bytes]:
            """Return the network compiled, and in OpenVINO's own form when that is to be kept."""
            compiled = self._compile(model, options, properties)
            return compiled, b"" if self._cache is None else compiled.export_model().getvalue()

        return OpenVinoFold(obtain_engine(self._cache, self._key(model, options, properties), load, build))

    def _compile(self, model: bytes, options: FoldOptions, properties: dict[str, Any]) -> Any:
        try:
            network = self._core.read_model(model)
            network.reshape([1, 1, *options.patch_size])
            return self._core.compile_model(network, _DEVICE, properties)
        except RuntimeError as error:
            raise BackendUnavailable("OpenVINO cannot compile a fold of this bundle") from error

    def _key(self, model: bytes, options: FoldOptions, properties: dict[str, Any]) -> EngineKey:
        """Return what an exported network depends on; processors of one name differ in what they can do."""
        abilities = sorted(self._core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES"))
        device = f"{self._core.get_property(_DEVICE, 'FULL_DEVICE_NAME')}: {', '.join(abilities)}"
        tile = "x".join(map(str, (1, 1, *options.patch_size)))
        return EngineKey(
            self.name, f"openvino {openvino.__version__}", device, sha256_of(model), {"tile": tile, **properties}
        )
