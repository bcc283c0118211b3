"""The one protocol behind which inference engines stand."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from runtime.bundle.manifest import HalfPrecision, Shape

Precision = Literal["float32"] | HalfPrecision


@dataclass(frozen=True)
class FoldOptions:
    """How one fold is compiled."""

    patch_size: Shape
    """Tile (z, y, x)."""

    threads: int
    """CPU threads of the engine; one on a GPU has no use for it."""

    precision: Precision
    """The least precise arithmetic allowed; a backend may compute more precisely."""


class Fold(Protocol):
    """One compiled network."""

    def infer(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits (n, class, z, y, x) of tiles (n, 1, z, y, x)."""
        ...

    def rest(self) -> None:
        """Give back the memory that only computing takes, if the engine can; the next tile takes it again."""
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
