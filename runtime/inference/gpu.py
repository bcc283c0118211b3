"""The NVIDIA GPU of this machine, and arrays in its memory, by NVIDIA's own CUDA bindings: no torch.

Of several GPUs the first is used; `CUDA_VISIBLE_DEVICES` chooses another.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from runtime.inference.errors import BackendUnavailable

PACKAGE: Final = "cuda.bindings"
"""cuda-bindings (Apache-2.0) holds the CUDA runtime; the driver comes with the machine."""


@dataclass(frozen=True)
class Gpu:
    """What an engine is bound to."""

    name: str
    """As the driver says it, such as `NVIDIA GeForce RTX 4090`."""

    architecture: str
    """Compute capability in NVIDIA's notation, such as `sm_89`."""

    cuda: str
    """Newest CUDA that the driver knows, such as `13.0`."""


def find_gpu() -> Gpu:
    """Return this machine's first GPU; raises `BackendUnavailable` saying what is missing.

    Needs the package `PACKAGE`, which the caller has looked for.
    """
    from cuda.bindings import driver

    try:
        _checked(driver.cuInit(0))
        if not _checked(driver.cuDeviceGetCount()):
            raise BackendUnavailable("the NVIDIA driver knows no GPU")
        device = _checked(driver.cuDeviceGet(0))
        attributes = driver.CUdevice_attribute
        capability = [
            _checked(driver.cuDeviceGetAttribute(which, device))
            for which in (
                attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            )
        ]
        version = _checked(driver.cuDriverGetVersion())
        name = _checked(driver.cuDeviceGetName(128, device)).split(b"\0")[0].decode("utf-8", "replace")
    # The library's error for a missing driver is a RuntimeError.
    except RuntimeError as error:
        raise BackendUnavailable("no NVIDIA driver (libcuda) is on this machine") from error
    return Gpu(name, f"sm_{capability[0]}{capability[1]}", f"{version // 1000}.{version % 1000 // 10}")


class GpuArray:
    """An array of fixed shape and type in GPU memory; freed with the object."""

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        from cuda.bindings import runtime

        self._cuda: Any = runtime
        self.host = np.empty(shape, dtype)
        """Its copy in the machine's memory: filled before `upload`, read after `download`."""

        self.address: int = _checked(runtime.cudaMalloc(self.host.nbytes))

    def upload(self, stream: "GpuStream") -> None:
        """Copy the host's values to the GPU."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(self.address, self.host.ctypes.data, kind, stream)

    def download(self, stream: "GpuStream") -> None:
        """Copy the GPU's values to the host; they are there once the stream was waited for."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(self.host.ctypes.data, self.address, kind, stream)

    def _copy(self, target: int, source: int, kind: Any, stream: "GpuStream") -> None:
        _checked(self._cuda.cudaMemcpyAsync(target, source, self.host.nbytes, kind, stream.handle))

    def __del__(self) -> None:
        # Without an address the allocation itself has failed.
        if hasattr(self, "address"):
            self._cuda.cudaFree(self.address)


class GpuStream:
    """An order of work on the GPU."""

    def __init__(self) -> None:
        from cuda.bindings import runtime

        self._cuda: Any = runtime
        self._stream: Any = _checked(runtime.cudaStreamCreate())
        self.handle: int = int(self._stream)

    def wait(self) -> None:
        """Return once everything given to the stream is done."""
        _checked(self._cuda.cudaStreamSynchronize(self._stream))

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self._cuda.cudaStreamDestroy(self._stream)


def _checked(answer: tuple[Any, ...]) -> Any:
    """Return the value of a CUDA call (status, value); raises `BackendUnavailable` on any status but success (0)."""
    status, *values = answer
    if int(status) != 0:
        raise BackendUnavailable(f"the GPU's driver answers {status.name}")
    return values[0] if values else None
