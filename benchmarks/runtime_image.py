"""How large the image of the runtime is, how fast a container serves, and how much memory it takes.

    python -m benchmarks.runtime_image --image localhost/sidewall-runtime:0.1.0 --out benchmarks/results/image.json

Needs podman, root (to read the memory of the container's process) and an image from `make images`. Cold: nothing
compiled yet; warm: the compiled networks lie on a volume. Times run from `podman run` until the standard health service
says SERVING.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sidewall

from benchmarks.machine import describe_machine, processor_s
from demo.cases import make_cases

_ADDRESS = "127.0.0.1:50051"
_PATIENCE_S = 600.0
_WARM_STARTS = 3
_HARDENED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host", "--pids-limit=128")


def main() -> int:
    """Measure and write the figures; returns the process exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime_image", description=__doc__)
    parser.add_argument("--image", required=True)
    parser.add_argument("--bundle", type=Path, default=Path("models/demo"))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"machine": describe_machine(), **measure_size(arguments.image)}
    figures |= {mode: measure_start(arguments.image, arguments.bundle, mode) for mode in ("exact", "fast")}
    arguments.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


def measure_size(image: str) -> dict[str, float]:
    """Return the bytes of an image in MB (10^6): unpacked, and as a registry would hold it (gzip, level 6)."""
    unpacked = int(podman("image", "inspect", "--format={{.Size}}", image))
    with tempfile.TemporaryFile() as packed:
        process = subprocess.Popen(["podman", "save", "--quiet", image], stdout=subprocess.PIPE)
        assert process.stdout is not None  # noqa: S101 - for the type alone: it was asked for
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as file:
            while chunk := process.stdout.read(1 << 20):
                file.write(chunk)
        process.wait()
        return {"unpacked_mb": round(unpacked / 1e6, 1), "compressed_mb": round(packed.tell() / 1e6, 1)}


def measure_start(image: str, bundle: Path, mode: str) -> dict[str, Any]:
    """Return how long a start takes without and with compiled networks on the volume, and what the first case takes."""
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o777)
        volumes = (f"--volume={bundle.resolve()}:/bundle:ro", f"--volume={cache}:/var/cache/sidewall")
        options = (*volumes, f"--env=SIDEWALL_MODE={mode}")
        with _served(image, options) as (cold_s, name):
            figures: dict[str, Any] = {"cold_start_s": round(cold_s, 2), "cold_start_cpu_s": cpu_s(name)}
        warm = []
        for _ in range(_WARM_STARTS - 1):
            with _served(image, options) as (warm_s, name):
                warm.append((warm_s, cpu_s(name)))
        with _served(image, options) as (warm_s, name):
            warm.append((warm_s, cpu_s(name)))
            answer = _answer_a_case(name)
    figures |= {"warm_start_s": [round(seconds, 2) for seconds, _ in warm]}
    figures |= {"warm_start_cpu_s": [seconds for _, seconds in warm]}
    return figures | answer


@contextmanager
def _served(image: str, options: tuple[str, ...]) -> Iterator[tuple[float, str]]:
    """Run a container; yields the seconds until it served, and its name."""
    started_s = time.perf_counter()
    name = podman("run", "--detach", *_HARDENED, *options, image)
    try:
        with sidewall.Client(_ADDRESS) as client:
            while not client.is_serving(timeout_s=1.0):
                if time.perf_counter() - started_s > _PATIENCE_S:
                    raise TimeoutError(podman("logs", name))
                time.sleep(0.02)
        yield time.perf_counter() - started_s, name
    finally:
        podman("rm", "--force", "--time=30", name)


def _answer_a_case(name: str) -> dict[str, Any]:
    """Return how long the first case took, and the memory before and after it."""
    idle_mib = memory_mib(name, "VmRSS")
    with tempfile.TemporaryDirectory() as folder, sidewall.Client(_ADDRESS) as client:
        phantom = make_cases(Path(folder))[0]
        started_s = time.perf_counter()
        client.analyze_series(phantom.series)
        answered_s = time.perf_counter() - started_s
    return {
        "first_answer_s": round(answered_s, 2),
        "idle_mib": idle_mib,
        "peak_mib": memory_mib(name, "VmHWM"),
    }


def cpu_s(name: str) -> float:
    """Return the seconds of processor time that the container's process has used, fairer where others use it too."""
    process = podman("inspect", "--format={{.State.Pid}}", name)
    return round(processor_s(int(process)), 2)


def memory_mib(name: str, field: str) -> int:
    """Return a figure of the container's process from /proc/PID/status (proc(5)), MiB."""
    process = podman("inspect", "--format={{.State.Pid}}", name)
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{field}:"))


def podman(*arguments: str) -> str:
    """Run it and return what it says; raises `CalledProcessError`."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
