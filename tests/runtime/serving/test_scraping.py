"""The metrics over HTTP: what is answered, who is cut off, and where it is not opened."""

import http.client
import re
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import sidewall
from prometheus_client import CollectorRegistry, Counter

from base.errors import SettingInvalid
from base.scraping import metrics_served
from tests.fixtures.processes import SIDEWALL, TinyBundle, failures, running_server


def free_address() -> str:
    """Return an address whose port was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def ask(address: str, method: str = "GET", path: str = "/metrics") -> tuple[int, str]:
    """Return status and body."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc(3)
    return registry


def test_a_scrape_gives_the_registry_without_times_of_creation(registry: CollectorRegistry) -> None:
    address = free_address()
    with metrics_served(address, registry):
        expected = "# HELP things_total Things.\n# TYPE things_total counter\nthings_total 3.0\n"
        assert ask(address) == (200, expected)
        assert ask(address, path="/metrics?name[]=things") == (200, expected)
    with pytest.raises(ConnectionRefusedError):
        ask(address)


def test_nothing_else_is_answered(registry: CollectorRegistry) -> None:
    address = free_address()
    with metrics_served(address, registry):
        assert [ask(address, path=path)[0] for path in ("/", "/metrics/", "/../etc/passwd")] == [404, 404, 404]
        assert [ask(address, method)[0] for method in ("POST", "PUT", "DELETE", "HEAD")] == [501] * 4


def test_no_address_opens_nothing(registry: CollectorRegistry) -> None:
    with metrics_served("", registry):
        pass


def test_callers_that_say_nothing_take_few_threads_and_do_not_hold_up_the_end(registry: CollectorRegistry) -> None:
    address = free_address()
    host, _, port = address.partition(":")
    with ExitStack() as silent, metrics_served(address, registry):
        for _ in range(4):
            silent.enter_context(socket.create_connection((host, int(port))))
        cut_off = silent.enter_context(socket.create_connection((host, int(port)), timeout=60))
        assert cut_off.recv(1) == b""


def test_a_taken_port_is_named_by_its_setting(registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingInvalid, match="already in use") as error, metrics_served(taken, registry):
            pass
    assert (error.value.name, error.value.value) == ("metrics_listen", taken)


def test_a_taken_port_ends_the_start_with_one_line(bundle: TinyBundle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        command = [str(SIDEWALL), "serve", "--bundle", str(bundle.path), "--listen", "127.0.0.1:0"]
        ended = subprocess.run(
            [*command, "--metrics-listen", taken],
            env=bundle.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 9
    (line,) = failures(ended.stderr)
    assert re.fullmatch(
        r"address_unavailable: setting metrics_listen is '127\.0\.0\.1:\d+'; allowed: .*already in use\)", line
    )


def test_a_real_server_counts_an_answer_and_a_refusal_and_tells_nothing_of_the_patient(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    settings = {"SIDEWALL_METRICS_LISTEN": "localhost:0", "SIDEWALL_ENGINE_CACHE": str(tmp_path / "engines")}
    with running_server(bundle, tmp_path, **settings) as server, sidewall.Client(server.address) as client:
        address = server.wait_for_entry(lambda entry: entry["event"] == "metrics")["address"]
        answer = client.analyze_series(series, options=sidewall.CaseOptions(case_id="ANNA-MILLER-7"))
        with pytest.raises(sidewall.Refused):
            client.analyze_series(b"no image")
        status, text = ask(address)
    assert (status, server.process.returncode) == (200, 0)
    sizes = sum(file.stat().st_size for file in series.iterdir())
    for line in (
        'sidewall_cases_total{outcome="answered"} 1.0',
        'sidewall_cases_total{outcome="refused"} 1.0',
        'sidewall_refusals_total{code="not_dicom"} 1.0',
        'sidewall_fold_duration_seconds_count{fold="1"} 1.0',
        'sidewall_step_duration_seconds_count{step="write"} 1.0',
        "sidewall_golden_case_passed 1.0",
        "sidewall_serving 1.0",
        'sidewall_engines_total{source="built"} 2.0',
        "sidewall_case_nodes_sum 0.0",
        "sidewall_transfers 0.0",
        "sidewall_input_held_bytes 0.0",
        "sidewall_calls_admitted 0.0",
        "sidewall_calls_limit 4.0",
    ):
        assert line in text.splitlines()
    received = re.search(r'sidewall_received_bytes_total\{call="series"\} (\S+)', text)
    assert received is not None
    assert sizes < float(received[1]) < sizes + 5000
    case = answer.findings["case"]
    for secret in (*(str(value) for value in case.values()), "ANNA", "MILLER", str(series), str(bundle.path), "/tmp"):
        assert secret not in text
    assert "positive" not in text
    assert "negative" not in text


def test_metrics_are_there_while_the_model_is_loading_and_say_so(bundle: TinyBundle, tmp_path: Path) -> None:
    log = tmp_path / "log"
    address = free_address()
    command = [str(SIDEWALL), "serve", "--bundle", str(bundle.path), "--listen", "127.0.0.1:0"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--metrics-listen", address], env=bundle.environment, stderr=out)
    seen = set[str]()
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s and process.poll() is None and "sidewall_serving 1.0" not in seen:
        try:
            text = ask(address)[1]
        except ConnectionError:
            continue
        seen |= {line for line in text.splitlines() if line.startswith(("sidewall_serving", "sidewall_golden"))}
    process.terminate()
    assert process.wait(60) == 0
    assert {"sidewall_serving 0.0", "sidewall_golden_case_passed 0.0", "sidewall_golden_case_passed 1.0"} <= seen
