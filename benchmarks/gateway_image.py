"""How large the image of the gateway is, how soon a container takes instances, and how much memory it takes idle.

    python -m benchmarks.gateway_image --image localhost/sidewall-gateway:0.1.0 --out out/gateway_image.json

Needs podman, root (to read the memory of the container's process) and an image from `make images IMAGES=gateway`. Times
run from `podman run` to the first answer that instances are taken, on a spool that holds nothing.
"""

import argparse
import http.client
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import describe_machine
from benchmarks.runtime_image import cpu_s, measure_size, memory_mib, podman

_WEB: Final = ("127.0.0.1", 18080)
_STARTS: Final = 3
_IDLE_S: Final = 15.0
_PATIENCE_S: Final = 120.0
_HARDENED: Final = (
    "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host", "--pids-limit=128",
    "--env=SIDEWALL_GATEWAY_MIN_FREE_MIB=1",
    "--env=SIDEWALL_GATEWAY_LISTEN=127.0.0.1:18112", f"--env=SIDEWALL_GATEWAY_WEB_LISTEN={_WEB[0]}:{_WEB[1]}",
)  # fmt: skip
_SITE: Final = '[[engine]]\naddress = "127.0.0.1:50051"\n[[rule]]\nname = "all"\n'


def main() -> int:
    """Measure and write the figures; returns the process exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway_image", description=__doc__)
    parser.add_argument("--image", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    figures: dict[str, Any] = {
        "machine": describe_machine() | {"load_1_min": load},
        **measure_size(arguments.image),
    }
    figures |= measure_start(arguments.image)
    text = json.dumps(figures, indent=2) + "\n"
    arguments.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def measure_start(image: str) -> dict[str, Any]:
    """Return how long starts took, s, their processor time, s, and the memory of the last container once idle, MiB."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as spool:
        Path(folder).chmod(0o755)
        Path(spool).chmod(0o777)
        (Path(folder) / "site.toml").write_text(_SITE, encoding="utf-8")
        volumes = (f"--volume={folder}:/etc/sidewall:ro", f"--volume={spool}:/var/lib/sidewall-gateway")
        starts, processor, idle_mib = list[float](), list[float](), 0
        for index in range(_STARTS):
            started_s = time.perf_counter()
            name = podman("run", "--detach", *_HARDENED, *volumes, image)
            try:
                _wait_until_ready(name)
                starts.append(round(time.perf_counter() - started_s, 2))
                processor.append(cpu_s(name))
                if index == _STARTS - 1:
                    time.sleep(_IDLE_S)
                    idle_mib = memory_mib(name, "VmRSS")
            finally:
                podman("rm", "--force", "--time=30", name)
    return {"start_s": starts, "start_cpu_s": processor, "idle_mib": idle_mib}


def _wait_until_ready(name: str) -> None:
    deadline_s = time.perf_counter() + _PATIENCE_S
    while not _is_ready():
        if time.perf_counter() > deadline_s:
            raise TimeoutError(podman("logs", name))
        time.sleep(0.02)


def _is_ready() -> bool:
    connection = http.client.HTTPConnection(*_WEB, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
