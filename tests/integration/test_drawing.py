"""Property tests have the same verdict every time, and `make fuzz` draws new examples that it can repeat."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.drawing import FACTOR_VARIABLE, examples, fuzz_factor

REPOSITORY = Path(__file__).parents[2]
PROBE = """
import sys
from hypothesis import given, strategies as st
from tests.fixtures.drawing import examples
@examples(5)
@given(st.integers())
def test_drawn(number):
    print("drawn", number)
    if {bad}: assert number < 1000
"""


def drawn(folder: Path, *, seed: str | None = None, bad: bool = False) -> tuple[list[str], str]:
    """Return what a test of five examples draws in a process of its own, and what pytest says."""
    folder.mkdir(exist_ok=True)
    (folder / "test_probe.py").write_text(PROBE.format(bad=bad))
    (folder / "conftest.py").write_text("from tests.fixtures.drawing import load_profile\nload_profile()\n")
    options = [] if seed is None else [f"--hypothesis-seed={seed}"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--rootdir",
        folder,
    ]
    environment = {name: value for name, value in os.environ.items() if name != FACTOR_VARIABLE}
    environment |= {"PYTHONPATH": str(REPOSITORY)} | ({} if seed is None else {FACTOR_VARIABLE: "20"})
    done = subprocess.run(
        [*map(str, command), *options, str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return re.findall(r"^drawn (-?\d+)$", done.stdout, re.MULTILINE), done.stdout


def test_two_runs_draw_the_same(tmp_path: Path) -> None:
    always = drawn(tmp_path / "a")[0]
    assert len(always) == 5
    assert drawn(tmp_path / "a")[0] == always


def test_fuzz_draws_more_and_what_it_finds_is_repeated_by_the_seed_and_by_a_line(tmp_path: Path) -> None:
    numbers, said = drawn(tmp_path / "a", seed="1", bad=True)
    assert max(map(int, numbers)) >= 1000
    assert drawn(tmp_path / "a", seed="1", bad=True)[0] == numbers
    assert "@reproduce_failure(" in said


@examples(3)
@given(st.integers())
def test_this_very_run_draws_as_it_is_told(number: int) -> None:
    assert examples(3).derandomize is (fuzz_factor() is None)
    assert examples(3).max_examples == 3 * (fuzz_factor() or 1)


def test_every_property_test_draws_by_the_settings_that_fuzz_multiplies() -> None:
    own = {"tests/fixtures/drawing.py"}
    found = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "tests").rglob("*.py")
        if re.search(r"from hypothesis import .*\bsettings\b|hypothesis\.settings|max_examples=", path.read_text())
    }
    assert found - own - {"tests/integration/test_drawing.py"} == set(), "@examples(COUNT) draws as often as it says"
