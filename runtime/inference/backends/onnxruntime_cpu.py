"""ONNX Runtime's CPU provider, and what its other providers share with it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from runtime.inference.backends.protocol import FoldOptions
from runtime.inference.errors import BackendUnavailable

_LOAD_ERRORS: Final = (
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
)
"""ONNX Runtime's own errors have no common base."""

CPU: Final = "CPUExecutionProvider"


class OnnxRuntimeFold:
    """One inference session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        answers = [self._session.run(None, {self._input: np.ascontiguousarray(tile[None])})[0] for tile in tiles]
        return np.concatenate(answers)

    def rest(self) -> None:
        """Keep everything: a session shrinks at the end of a run only, and whether a run is the last is not known."""


class OnnxRuntimeBackend:
    """ONNX Runtime's CPU provider; always float32."""

    name = "onnxruntime-cpu"

    def load_fold(self, model: bytes, options: FoldOptions) -> OnnxRuntimeFold:
        """Make a session with a bounded number of threads."""
        return OnnxRuntimeFold(make_session(model, options, [CPU]))


def make_session(
    model: bytes, options: FoldOptions, providers: Sequence[str | tuple[str, dict[str, Any]]]
) -> onnxruntime.InferenceSession:
    """Return a session of a network, for single tiles; the first provider is the one that is meant.

    A session whose provider cannot be loaded is made all the same, and computes on the CPU without a word: that raises
    `BackendUnavailable` here, as does a network that ONNX Runtime cannot load.
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    settings.add_free_dimension_override_by_name("n", 1)
    try:
        session = onnxruntime.InferenceSession(model, settings, providers=list(providers))
    except _LOAD_ERRORS as error:
        raise BackendUnavailable("ONNX Runtime cannot load a fold of this bundle") from error
    wanted = providers[0] if isinstance(providers[0], str) else providers[0][0]
    require_provider(session, wanted)
    return session


def require_provider(session: onnxruntime.InferenceSession, wanted: str) -> None:
    """Raise `BackendUnavailable` unless the session's first provider is the wanted one."""
    got = session.get_providers()
    if got[0] != wanted:
        raise BackendUnavailable(
            f"ONNX Runtime could not load {wanted} and would compute on {', '.join(got)} instead: a library of CUDA, "
            "cuDNN or TensorRT is missing or of another version (docs/engines.md)"
        )
