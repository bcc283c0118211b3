"""The commands run as any user, without a home, scratch folder or cache, in any locale and time zone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.barren import OUT, run_barren
from tests.fixtures.processes import SIDEWALL, TinyBundle

BIN = SIDEWALL.parent
REPOSITORY = Path(__file__).parents[3]

DRAW = """
import os, tempfile
from {module} import scratch_settled
with scratch_settled():
    import matplotlib.pyplot
    print(tempfile.gettempdir())
    kept = os.environ["MPLCONFIGDIR"]
    assert os.path.isdir(kept)
assert not os.path.exists(kept)
"""


def run_sidewall(
    bundle: TinyBundle, series: Path, out: Path, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a command that finds series and bundle at /mnt."""
    inputs = {"series": series, "bundle": bundle.path, "keys": bundle.trusted_keys}
    trusted = {"SIDEWALL_TRUSTED_KEYS": "/mnt/keys", "SIDEWALL_THREADS": "1"}
    return run_barren(out, SIDEWALL, *arguments, inputs=inputs, **trusted)


def test_an_analysis_and_its_replay(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    analyze = ("analyze", "/mnt/series", "--bundle", "/mnt/bundle", "--out", OUT / "case", "--json")
    done = run_sidewall(bundle, series, tmp_path / "out", *analyze)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "positive"
    lines = [line for line in done.stderr.splitlines() if "building the engine" not in line]
    assert lines
    assert all("cannot be stored in /nonexistent/sidewall/engines" in line for line in lines)
    again = run_sidewall(bundle, series, tmp_path / "out", "replay", OUT / "case" / "findings.json", "--json")
    assert json.loads(again.stdout)["same"], again.stdout


@pytest.mark.parametrize(
    ("program", "arguments", "status"),
    [
        ("sidewall", ("bundle", "list", "--json"), 0),
        # That paper's figures do contradict each other.
        ("sidewall-analytics", ("audit", REPOSITORY / "analytics/examples/qiao_2025.yaml", "--json"), 3),
        ("sidewall-export", ("keys",), 0),
        ("sidewall-train", ("--version",), 0),
        # No rule of the sample takes a series of the prostate.
        ("sidewall-gateway", ("rules", "test", "/mnt/series", "--site", REPOSITORY / "docker/gateway/site.toml"), 3),
    ],
)
def test_every_program(program: str, arguments: tuple[str | Path, ...], status: int, tmp_path: Path) -> None:
    inputs = {"series": REPOSITORY / "tests/data/PX0000_t2_tra"}
    done = run_barren(tmp_path / "out", BIN / program, *arguments, inputs=inputs)
    assert done.returncode == status, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("module", ["base.scratch"])
def test_libraries_have_a_place_for_their_files_that_goes_with_the_command(module: str, tmp_path: Path) -> None:
    done = run_barren(tmp_path / "out", sys.executable, "-c", DRAW.format(module=module), PYTHONPATH=str(REPOSITORY))
    assert (done.returncode, done.stdout, done.stderr) == (0, "/dev/shm\n", "")


def test_a_folder_that_may_not_be_written_is_told_before_any_work(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    for out, code in (("/tmp/case", "read_only_storage"), ("/case", "permission_lacking")):
        arguments = ("analyze", "/mnt/series", "--bundle", "/mnt/bundle", "--out", out)
        done = run_sidewall(bundle, series, tmp_path / "out", *arguments)
        assert done.returncode == 8
        assert done.stderr.startswith(f"{code}: {out}: ")
