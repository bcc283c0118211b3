"""ONNX Runtime's CPU provider."""

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from runtime.core.errors import BackendUnavailable
from runtime.inference.backend import FoldOptions

_LOAD_ERRORS = (
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
)
"""ONNX Runtime's own errors have no common base."""


class OnnxRuntimeFold:
    """One inference session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        answers = [self._session.run(None, {self._input: np.ascontiguousarray(tile[None])})[0] for tile in tiles]
        return np.concatenate(answers)


class OnnxRuntimeBackend:
    """ONNX Runtime's CPU provider; always float32."""

    name = "onnxruntime-cpu"

    def load_fold(self, model: bytes, options: FoldOptions) -> OnnxRuntimeFold:
        """Make a session with a bounded number of threads."""
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        except _LOAD_ERRORS as error:
            raise BackendUnavailable("ONNX Runtime cannot load a fold of this bundle") from error
        return OnnxRuntimeFold(session)
