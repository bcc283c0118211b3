"""What a command answers is all that its standard output holds, whatever else speaks in its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PROGRAMS = ("sidewall", "sidewall-train", "sidewall-export", "sidewall-analytics")
STREAMS = ("base.streams",)

TALK = """
import os, subprocess, sys
from {module} import answer_alone
with answer_alone():
    os.write(1, b"a library in C\\n")
    subprocess.run(["echo", "a process that was started"], check=True)
    print("a line for people", file=sys.stderr)
    print("the answer: 12 mm\\u00b3")
"""

LOSE = """
import os, sys
from base.streams import answer_alone, lost_log_lines
with answer_alone():
    print("into the full disk", file=sys.stderr)
    assert lost_log_lines().strerror == "No space left on device"
    os.dup2(3, 2)
    print("there is room again", file=sys.stderr)
    assert lost_log_lines() is None
    print("done")
"""


@pytest.mark.parametrize("module", STREAMS)
@pytest.mark.parametrize("locale", ["C", "en_US.ISO-8859-1", "de_DE.UTF-8"])
def test_the_standard_output_is_the_answer_alone_and_in_utf_8(module: str, locale: str) -> None:
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", TALK.format(module=module)]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=True)
    assert done.stdout.decode() == "the answer: 12 mm³\n"
    assert sorted(done.stderr.decode().splitlines()) == [
        "a library in C", "a line for people", "a process that was started",
    ]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_reader_that_goes_away_ends_every_program_quietly(program: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody:
        done = subprocess.run(
            [BIN / program, "--version"], stdout=nobody, stderr=subprocess.PIPE, timeout=120, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ("sidewall", 8, "disk_full: the standard output: no space is left"),
        ("sidewall-export", 8, "disk_full: the standard output: no space is left"),
        ("sidewall-train", 8, "disk_full: the standard output: no space is left"),
        ("sidewall-analytics", 8, "disk_full: the standard output: no space is left"),
    ],
)
def test_an_answer_that_cannot_be_written_is_told(program: str, status: int, said: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [BIN / program, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == status
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_a_log_on_a_full_disk_costs_its_lines_and_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as room:
        os.set_inheritable(room.fileno(), True)
        # Descriptor 3 of the child is the file with room, 2 the full disk.
        shell = f"exec {sys.executable} -c '{LOSE}' 3>&{room.fileno()} 2>/dev/full"
        done = subprocess.run(
            ["/bin/bash", "-c", shell], stdout=subprocess.PIPE, close_fds=False, timeout=120, check=False
        )
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert log.read_text() == "\nthere is room again\n"
