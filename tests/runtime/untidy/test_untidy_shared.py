"""The untidy series that others made from a clean one, where their maker lies beside the repository."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.untidy.bases import BASE_NAMES, block_base
from tests.fixtures.untidy.case import UntidyCase
from tests.fixtures.untidy.catalogue import CASES, NOT_YET
from tests.fixtures.untidy.outcomes import faults_of_reading, read

_MAKER = Path(__file__).resolve().parents[4] / "shared" / "cases" / "make_inputs.py"


@pytest.mark.skipif(not _MAKER.is_file(), reason="`shared/cases/make_inputs.py` does not lie beside this checkout")
@pytest.mark.parametrize("base", BASE_NAMES)
def test_series_that_others_made_are_read_or_refused_as_they_say(base: str, tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    clean.mkdir()
    for number, content in enumerate(block_base(base).files):
        (clean / f"{number:04d}.dcm").write_bytes(content)
    command = [sys.executable, str(_MAKER), str(clean), str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    expected: dict[str, list[str]] = json.loads((tmp_path / "out" / "expected.json").read_text())
    assert len(expected) >= 60
    faults = {name: _faults(name, right, tmp_path / "out") for name, right in expected.items() if name not in NOT_YET}
    assert {name: found for name, found in faults.items() if found} == {}


def _faults(name: str, right: list[str], out: Path) -> list[str]:
    known = CASES.get(name)
    found = read(out / name)
    if known is not None and known.decided == "case":
        return []
    leaning = name.startswith("cosines") or name == "base_tilted"
    case = UntidyCase(name, tuple(right), lambda series, _: series, says=known.says if known else "")
    return faults_of_reading(case, found, read(out / ("base_tilted" if leaning else "base")))
