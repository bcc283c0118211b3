"""How the process is told to stop, and that it ends in time whatever its threads are in."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import sidewall

from base.service_manager import STOPPING, notify
from tests.fixtures.processes import TinyBundle, running_server

_NEVER_LOADS = """
import sys, threading
from prometheus_client import CollectorRegistry
from base.log import configure_log
from runtime.serving.metrics import Metrics
from runtime.serving.server import serve
from runtime.settings import Settings
def load():
    print("loading", flush=True)
    threading.Event().wait()
configure_log("info")
serve(Settings(listen="127.0.0.1:0"), load, Metrics(CollectorRegistry()))
print("returned", flush=True)
"""
_HOLDS_PYTHONS_LOCK = _NEVER_LOADS.replace(
    "    threading.Event().wait()\n",
    """
    import os, signal
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        # As one call of a library that does not let go of the lock; the write does.
        sum(range(3_000_000))
        os.write(1, b".")
""",
)
_FILLS_ITS_LOG = _NEVER_LOADS.replace(
    "def load():\n",
    """
import os
from contextlib import suppress
def load():
    os.set_blocking(2, False)
    with suppress(BlockingIOError):
        while True:
            os.write(2, b"x")
    os.set_blocking(2, True)
""",
)
_IN_AN_IMPORT = """
import os, signal, sys
sys.argv = ["sidewall", "serve"]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "runtime.cli":
            os.kill(os.getpid(), NUMBER)
            raise RuntimeError("the signal was not minded")
sys.meta_path.insert(0, Finder())
import runtime.start
runtime.start.main()
"""
_WAITS_IN_AN_ODD_THREAD = """
import signal, threading
from base.stopping import StopSignals
stop = StopSignals()
# The system may deliver a signal to any thread that does not block it: here to no other than the second one.
second = threading.Thread(target=threading.Event().wait, daemon=True)
second.start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", flush=True)
stop.wait()
print("told", flush=True)
"""


def ended(program: str, number: int, first_line: bytes) -> tuple[int, bytes]:
    """Run a program, send it a signal after its first line, and return its status and what else it printed."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == first_line
        process.send_signal(number)
        rest = process.communicate(timeout=120)[0]
    return process.returncode, rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_whose_loading_never_comes_back(number: int) -> None:
    assert ended(_NEVER_LOADS, number, b"loading\n") == (0, b"")


def test_a_stop_waits_for_few_steps_of_a_loading_that_keeps_pythons_lock() -> None:
    """Each time that the main thread needs the lock it waits for a whole step, seconds on a machine with much work."""
    command = [sys.executable, "-c", _HOLDS_PYTHONS_LOCK]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300, check=True)
    assert done.stdout.count(b".") <= 5


def test_a_stop_while_loading_ends_a_server_whose_log_nobody_reads() -> None:
    command = [sys.executable, "-c", _FILLS_ITS_LOG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loading\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_first_import_ends_the_process_well(number: int) -> None:
    program = _IN_AN_IMPORT.replace("NUMBER", str(int(number)))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_is_heard_whichever_thread_the_system_gives_it_to() -> None:
    assert ended(_WAITS_IN_AN_ODD_THREAD, signal.SIGTERM, b"ready\n") == (0, b"told\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_of_the_start_ends_the_server_with_status_0(
    number: int, bundle: TinyBundle, tmp_path: Path
) -> None:
    """Four moments, from the first import to the golden case; benchmarks.stop_signals takes as many as one likes."""
    command = [sys.executable, "-m", "runtime.start", "serve", "--bundle", str(bundle.path), "--listen", "127.0.0.1:0"]
    for index, delay_s in enumerate((0.2, 0.6, 1.2, 2.4)):
        log = tmp_path / f"log{index}"
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=bundle.environment, stderr=out)
        time.sleep(delay_s)
        process.send_signal(number)
        # On a busy machine Python itself may not have come to our first line: then it ends as every program does.
        assert process.wait(120) in (0, -number) or (number == signal.SIGINT and not log.read_text().startswith("{"))
        assert '"error"' not in log.read_text()


def test_a_manager_that_reads_nothing_holds_nothing_up(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    """Linux keeps 10 datagrams for a reader, and lets further senders wait."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    filler.sendto(b"X=1", deaf.getsockname())
        notify(STOPPING, {"NOTIFY_SOCKET": deaf.getsockname()})
        with running_server(bundle, tmp_path, NOTIFY_SOCKET=deaf.getsockname()) as server:
            with sidewall.Client(server.address) as client:
                assert client.analyze_series(series).findings["status"] == "positive"
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(120) == 0
        told = [entry["event"] for entry in server.log()]
    assert told[-3:] == ["service manager not reached", "stopping", "stopped"]


def test_a_case_that_computes_without_looking_up_is_handed_back_and_the_process_ends(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    program = """
import sys, threading, runtime.analysis.pipeline
def analyze_case(case, model, settings, monitor):
    monitor.report(runtime.analysis.pipeline.Progress("infer", 0, 1))
    threading.Event().wait()
runtime.analysis.pipeline.analyze_case = analyze_case
from runtime.start import main
main()
"""
    command = (sys.executable, "-c", program)
    with (
        running_server(bundle, tmp_path, *command, SIDEWALL_SHUTDOWN_GRACE_S="2") as server,
        sidewall.Client(server.address) as client,
    ):

        def terminate(progress: sidewall.Progress) -> None:
            if progress.stage == "infer":
                os.kill(server.process.pid, signal.SIGTERM)

        with pytest.raises(sidewall.ServerUnreachable, match="is stopping and hands the case back: send it again"):
            client.analyze_series(series, on_progress=terminate)
        assert server.process.wait(120) == 0
    assert server.log()[-1]["event"] == "stopped"
