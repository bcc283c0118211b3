"""The image for NVIDIA GPUs on a machine that has none: it says so in one line, and serves on the CPU when let."""

import json
from pathlib import Path

import pytest

from tests.docker.containers import HARDENED, ended, run, started
from tests.docker.images import needs_images, require
from tests.fixtures.bundles import make_tiny_bundle

pytestmark = [
    *needs_images,
    pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has an NVIDIA GPU"),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return the options that mount a bundle whose golden case takes no time, and the keys that trust it."""
    folder = tmp_path_factory.mktemp("tiny")
    bundle = make_tiny_bundle(folder)
    keys = (f"--volume={folder / 'keys'}:/keys:ro", "--env=SIDEWALL_TRUSTED_KEYS=/keys")
    return ("--network=none", f"--volume={bundle}:/bundle:ro", *keys)


@pytest.mark.parametrize("backend", ["tensorrt-rtx", "onnxruntime-cuda"])
def test_without_a_gpu_a_gpu_backend_ends_the_start_with_one_line(tiny: tuple[str, ...], backend: str) -> None:
    status, lines = ended(require("runtime-gpu"), *tiny, f"--env=SIDEWALL_BACKEND={backend}")
    assert (status, len(lines)) == (11, 1), lines
    assert lines[0] == (
        f"device_absent: backend {backend} needs an NVIDIA GPU: no NVIDIA driver (libcuda) is on this machine"
    )


def test_left_to_choose_it_serves_on_the_cpu_and_says_so(tiny: tuple[str, ...]) -> None:
    with started(require("runtime-gpu"), *tiny, "--tmpfs=/var/cache/sidewall") as container:
        container.wait_until_serving()
        entry = container.entry("serving")
        assert entry is not None
        assert entry["backend"] == "onnxruntime-cpu"


def test_doctor_tells_what_of_its_backends_is_not_present_and_why() -> None:
    done = run(
        "podman", "run", "--rm", "--network=none", *HARDENED, require("runtime-gpu"), "doctor", "--json", check=False
    )
    checks = json.loads(done.stdout)
    absent = [each["text"] for each in checks if each["name"] == "not present"]
    assert sum("needs an NVIDIA GPU: no NVIDIA driver" in text for text in absent) == 2
    assert any(text.startswith("backend tensorrt needs the package tensorrt, which is") for text in absent)
