"""The way of a tile through GPU memory, with the CUDA calls answered by this machine's own memory.

No kernel runs here: that an engine computes rightly is shown on a GPU alone, by its golden case.
"""

import ctypes
import importlib.util
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from runtime.inference.backends.tensorrt_gpu import TensorRtFold
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu, find_gpu

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cuda") is None or importlib.util.find_spec("cuda.bindings") is None,
    reason="the package cuda.bindings is not installed (pip install -e '.[tensorrt-rtx]')",
)


class Memory:
    """CUDA's memory calls, on this machine's own memory, with a note of what was freed."""

    def __init__(self) -> None:
        self.blocks = dict[int, Any]()
        self.freed = list[int]()

    def malloc(self, size: int) -> tuple[int, int]:
        """Return status and address."""
        block = ctypes.create_string_buffer(size)
        self.blocks[ctypes.addressof(block)] = block
        return 0, ctypes.addressof(block)

    def copy(self, target: int, source: int, size: int, kind: Any, stream: int) -> tuple[int]:
        """Copy at once."""
        ctypes.memmove(target, source, size)
        return (0,)

    def free(self, address: int) -> tuple[int]:
        """Note it."""
        self.freed.append(address)
        return (0,)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """Return the memory in place of the GPU's."""
    from cuda.bindings import runtime

    memory = Memory()
    for name, function in {
        "cudaMalloc": memory.malloc,
        "cudaMemcpyAsync": memory.copy,
        "cudaFree": memory.free,
        "cudaStreamCreate": lambda: (0, 7),
        "cudaStreamSynchronize": lambda stream: (0,),
        "cudaStreamDestroy": lambda stream: (0,),
    }.items():
        monkeypatch.setattr(runtime, name, function)
    return memory


LIBRARY = SimpleNamespace(
    __name__="a stand-in", TensorIOMode=SimpleNamespace(INPUT="in", OUTPUT="out"), nptype=lambda word: np.dtype(word)
)


class Engine:
    """An engine that answers an image (1, 1, 1, 2, 2) with itself and its negative as two classes."""

    num_io_tensors = 2

    def __init__(self, *, runs: bool = True) -> None:
        self.runs = runs
        self.addresses = dict[str, int]()
        self.streams = list[int]()

    def create_execution_context(self) -> "Engine":
        """Return itself: the context is part of it here."""
        return self

    def get_tensor_name(self, index: int) -> str:
        """Return the output first, so that the order of the tensors decides nothing."""
        return ("logits", "image")[index]

    def get_tensor_mode(self, name: str) -> str:
        """Return the direction."""
        return {"image": "in", "logits": "out"}[name]

    def get_tensor_dtype(self, name: str) -> str:
        """Return the type."""
        return "float32"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape."""
        return {"image": (1, 1, 1, 2, 2), "logits": (1, 2, 1, 2, 2)}[name]

    def set_tensor_address(self, name: str, address: int) -> None:
        """Take where a tensor lies."""
        self.addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        """Run."""
        self.streams.append(stream)
        image = (ctypes.c_float * 4).from_address(self.addresses["image"])
        logits = (ctypes.c_float * 8).from_address(self.addresses["logits"])
        logits[:] = [*image, *(-value for value in image)]
        return self.runs


def test_every_tile_goes_up_is_run_and_comes_down_in_order(memory: Memory) -> None:
    engine = Engine()
    fold = TensorRtFold(LIBRARY, engine)
    tiles = np.arange(8, dtype=np.float32).reshape(2, 1, 1, 2, 2)
    answer = fold.infer(tiles)
    assert answer.shape == (2, 2, 1, 2, 2)
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer[:, 0], tiles[:, 0])
    np.testing.assert_array_equal(answer[:, 1], -tiles[:, 0])
    assert engine.streams == [7, 7]


def test_memory_on_the_gpu_is_freed_with_the_fold(memory: Memory) -> None:
    fold = TensorRtFold(LIBRARY, Engine())
    assert memory.freed == []
    del fold
    assert sorted(memory.freed) == sorted(memory.blocks)


def test_a_run_that_the_gpu_refuses_is_an_error(memory: Memory) -> None:
    with pytest.raises(BackendUnavailable, match="the GPU does not run a fold"):
        TensorRtFold(LIBRARY, Engine(runs=False)).infer(np.zeros((1, 1, 1, 2, 2), np.float32))


def test_a_gpu_without_room_is_an_error_with_the_drivers_word(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    from cuda.bindings import runtime

    full = runtime.cudaError_t.cudaErrorMemoryAllocation
    monkeypatch.setattr(runtime, "cudaMalloc", lambda size: (full, None))
    with pytest.raises(BackendUnavailable, match="the GPU's driver answers cudaErrorMemoryAllocation"):
        TensorRtFold(LIBRARY, Engine())


def test_the_gpu_is_described_by_what_engines_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from cuda.bindings import driver

    major = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    for name, function in {
        "cuInit": lambda flags: (0,),
        "cuDeviceGetCount": lambda: (0, 1),
        "cuDeviceGet": lambda index: (0, index),
        "cuDeviceGetAttribute": lambda which, device: (0, 8 if which == major else 9),
        "cuDriverGetVersion": lambda: (0, 13050),
        "cuDeviceGetName": lambda length, device: (0, b"NVIDIA GeForce RTX 4090".ljust(length, b"\0")),
    }.items():
        monkeypatch.setattr(driver, name, function)
    assert find_gpu() == Gpu("NVIDIA GeForce RTX 4090", "sm_89", "13.5")
    monkeypatch.setattr(driver, "cuDeviceGetCount", lambda: (0, 0))
    with pytest.raises(BackendUnavailable, match="the NVIDIA driver knows no GPU"):
        find_gpu()
    monkeypatch.setattr(driver, "cuInit", lambda flags: (driver.CUresult.CUDA_ERROR_NO_DEVICE,))
    with pytest.raises(BackendUnavailable, match="the GPU's driver answers CUDA_ERROR_NO_DEVICE"):
        find_gpu()
