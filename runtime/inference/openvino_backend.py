"""OpenVINO on the CPU: one request, one tile at a time, on all threads it is given."""

import sys
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# OpenVINO reports its use to its maker over the network unless this import fails; it has a stand-in for that case.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402 - only after the line above

from runtime.core.errors import BackendUnavailable  # noqa: E402
from runtime.inference.backend import FoldOptions, Precision  # noqa: E402

_PRECISION_HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoFold:
    """A network compiled for tiles of one fixed shape."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        answers = [self._infer_one(tile) for tile in tiles]
        return np.stack(answers)

    def _infer_one(self, tile: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._request.infer([np.ascontiguousarray(tile[None])], share_inputs=True)
        logits: npt.NDArray[np.float32] = self._request.get_output_tensor(0).data[0].copy()
        return logits


class OpenVinoBackend:
    """OpenVINO's CPU plugin."""

    name = "openvino-cpu"

    def __init__(self) -> None:
        self._core = openvino.Core()

    def load_fold(self, model: bytes, options: FoldOptions) -> OpenVinoFold:
        """Compile one ONNX network for the tile shape; a fixed shape is faster than a dynamic one."""
        try:
            network = self._core.read_model(model)
            network.reshape([1, 1, *options.patch_size])
            compiled = self._core.compile_model(
                network,
                "CPU",
                {
                    "PERFORMANCE_HINT": "LATENCY",
                    "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[options.precision],
                    "INFERENCE_NUM_THREADS": options.threads,
                },
            )
        except RuntimeError as error:
            raise BackendUnavailable("OpenVINO cannot compile a fold of this bundle") from error
        return OpenVinoFold(compiled)
