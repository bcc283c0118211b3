"""A private Prometheus on this machine: a free port, its own storage, gone after the test."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.fixtures.proxies import open_directly

MONITORING = Path(__file__).parents[2] / "docker" / "monitoring"
_PATIENCE_S = 120.0
_LISTENS = re.compile(r'msg="?Listening on"? address=(\S+)')


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression gives now; raises on one that is not valid."""
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of one call of the HTTP API."""
        query = urllib.parse.urlencode(parameters)
        with open_directly(f"http://{self.address}/api/v1/{path}?{query}") as answer:
            return json.load(answer)["data"]

    def wait_for(self, is_met: Callable[["Prometheus"], object]) -> None:
        """Return once the condition is met; fails after two minutes."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while not is_met(self):
            assert time.monotonic() < deadline_s, "Prometheus did not see what was awaited"
            time.sleep(0.2)


def why_absent() -> str | None:
    """Return why no Prometheus can be started here; None when one can."""
    return None if shutil.which("prometheus") else "Debian's package prometheus is not installed"


@contextmanager
def running_prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """Start it with the configuration that ships, asking `target` (host:port) every second."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    with _running(folder, config) as prometheus:
        yield prometheus


@contextmanager
def prometheus_of_a_gateway_with_tls(folder: Path, gateway: str) -> Iterator[Prometheus]:
    """Start it with the configuration for TLS that ships, asking a gateway (host:port) beside no engine.

    What that names lies in `folder / "tls"`.
    """
    targets = folder / "targets"
    targets.mkdir()
    (targets / "gateway.yml").write_text(yaml.safe_dump([{"targets": [gateway]}]))
    with _running(folder, yaml.safe_load((MONITORING / "tls" / "prometheus.yml").read_text())) as prometheus:
        yield prometheus


@contextmanager
def _running(folder: Path, config: dict[str, Any]) -> Iterator[Prometheus]:
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(MONITORING / name) for name in config["rule_files"]]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    log_file = folder / "prometheus.log"
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with log_file.open("wb") as log:
        process = subprocess.Popen([*command, "--web.listen-address=127.0.0.1:0"], stdout=log, stderr=log)
    try:
        yield Prometheus(_address_in(log_file, process))
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _address_in(log_file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline_s = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline_s:
        text = log_file.read_text()
        found = _LISTENS.search(text)
        if found and "Server is ready" in text:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"Prometheus did not start:\n{log_file.read_text()}")
