"""The contract keeps to its style and only grows; what would break a caller is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.proxies import usual_environment

PROTO = Path(__file__).resolve().parents[2] / "proto"


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Return what the check said; skips where buf cannot be had."""
    command = [sys.executable, PROTO / "check_buf.py", *arguments]
    done = subprocess.run(command, env=usual_environment(), capture_output=True, text=True, timeout=300, check=False)
    if "was not checked with buf" in done.stderr:
        pytest.skip(done.stderr.strip())
    return done


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """Return a copy of the contract, to be changed."""
    for name in ("buf.yaml", "sidewall/v1/analysis.proto", "sidewall/v1/findings.proto", "sidewall/v1/studies.proto"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROTO / name, tmp_path / name)
    return tmp_path


def test_the_contract_keeps_to_its_style_and_breaks_no_caller_of_the_released_one() -> None:
    done = check()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("  // Ends the instance.\n  bool last = 2;\n", "", 'with name "last" on message "InstanceChunk" was deleted'),
        ("  VOXEL_TYPE_INT16 = 2;", "  VOXEL_TYPE_INT16 = 12;", 'enum value "2"'),
        ("uint32 done = 2;", "double done = 2;", 'changed type from "uint32" to "double"'),
        ("  // Parts of the stage that are done, 0 to `total`.\n", "", "non-empty comment"),
    ],
)  # fmt: skip
def test_what_breaks_a_caller_or_says_nothing_is_found(contract: Path, was: str, becomes: str, said: str) -> None:
    file = contract / "sidewall/v1/analysis.proto"
    text = file.read_text()
    assert text.count(was) == 1
    file.write_text(text.replace(was, becomes))
    done = check("--contract", contract)
    assert done.returncode == 1
    assert said.lower() in done.stdout.lower()
