"""The order of what an acknowledgement stands on, as the operating system saw it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.gateways import GatewayPlace, running_gateway
from tests.fixtures.sending import renamed_study, send


def test_an_instance_is_synced_renamed_and_committed_before_it_is_answered(
    place: GatewayPlace, series: list[Path], tmp_path: Path
) -> None:
    """CASES 5."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    place.write_site("")
    trace = tmp_path / "strace"
    study = renamed_study(series[:2])
    with running_gateway(place, SIDEWALL_GATEWAY_QUIET_S="600") as gateway:
        # Folders and connections that the first instance makes are there then.
        assert send(gateway.port, study[:1]) == [0x0000]
        command = ["strace", "-f", "-y", "-e", "trace=rename,fsync,fdatasync,sendto,sendmsg", "-o", str(trace)]
        tracing = subprocess.Popen([*command, "-p", str(gateway.process.pid)], stderr=subprocess.PIPE)
        try:
            assert tracing.stderr is not None
            tracing.stderr.readline()
            assert send(gateway.port, study[1:]) == [0x0000]
        finally:
            tracing.terminate()
            tracing.wait(60)
            tracing.stderr.close() if tracing.stderr else None
    if "Operation not permitted" in trace.read_text():
        pytest.skip("this user may not trace")
    assert _steps(trace.read_text(), str(study[1].SOPInstanceUID)) == [
        "fsync of the file",
        "rename",
        "fsync of the folder",
        "sync of the ledger",
        "answer",
    ]


def _steps(trace: str, uid: str) -> list[str]:
    """Return the steps from the instance's own sync to the answer, in their order."""
    patterns = {
        "fsync of the file": r"fsync\(\d+<[^>]*/incoming/[^>]*\.dcm>",
        "rename": rf'rename\("[^"]*/incoming/[^"]*", "[^"]*/{re.escape(uid)}-',
        "fsync of the folder": r"fsync\(\d+<[^>]*/spool/instances/[^>]*>",
        "sync of the ledger": r"f(data)?sync\(\d+<[^>]*/ledger\.sqlite-wal>",
        "answer": r"send(to|msg)\(\d+<(TCP|socket)",
    }
    found = []
    for line in trace.splitlines():
        for step, pattern in patterns.items():
            if re.search(pattern, line):
                found.append(step)
    start = found.index("fsync of the file")
    steps = found[start:]
    # The answer to the release of the association comes after it.
    return steps[: steps.index("answer") + 1]
