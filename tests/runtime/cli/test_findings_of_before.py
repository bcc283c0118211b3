"""The demo's phantom is scored as it was before the house was moved: the same nodes, figures, verdict and files.

By its true label map, so that a new demo bundle changes nothing here. The findings of then, by commit d3f975b, lie in
`tests/reference/findings_of_before.json`. Since then fields and gates were added; of those that were there before, none
may say anything else. UIDs may: those of a phantom derive from its voxels, and two kinds of processor round a few of
these apart.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from demo.cases import PHANTOM_OPTIONS, choose_seed
from phantom.dicom_series import write_series
from phantom.generate import generate_case
from phantom.nifti import write_nifti
from tests.fixtures.commands import Run

BEFORE: Final = json.loads(
    (Path(__file__).parents[2] / "reference" / "findings_of_before.json").read_text(encoding="utf-8")
)

DERIVED_UID: Final = "2.25."


@pytest.fixture
def scored(run: Run, tmp_path: Path) -> Path:
    """Return the case folder of the demo's phantom, scored by its true labels."""
    case = generate_case(choose_seed(), options=PHANTOM_OPTIONS)
    write_series(case, tmp_path / "series")
    write_nifti(case.labels, tmp_path / "labels.nii.gz")
    given = ("--series", tmp_path / "series", "--segmentation", tmp_path / "labels.nii.gz")
    done = run("score", *given, "--out", tmp_path / "out", "--case-id", "score")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def differing(now: Any, before: Any, place: str) -> list[str]:
    """Return where something says other than before; numbers and UIDs may differ as those of two processors do."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [at for name, each in before.items() for at in differing(now.get(name), each, f"{place}/{name}")]
    if isinstance(before, list) and isinstance(now, list) and len(now) == len(before):
        pairs = enumerate(zip(now, before, strict=True))
        return [at for number, pair in pairs for at in differing(*pair, f"{place}/{number}")]
    return [] if is_same(now, before) else [f"{place}: {now}, was {before}"]


def is_same(now: Any, before: Any) -> bool:
    """Tell whether two values say the same; of a UID that was derived, whether one still is."""
    if isinstance(before, float):
        return bool(now == pytest.approx(before, rel=1e-5))
    if isinstance(before, str) and before.startswith(DERIVED_UID):
        return isinstance(now, str) and now.startswith(DERIVED_UID)
    return bool(now == before)


def test_the_demos_phantom_is_scored_as_before_the_house_was_moved(scored: Path) -> None:
    now = json.loads((scored / "findings.json").read_text(encoding="utf-8"))
    before = BEFORE["findings"]
    known = {gate["code"] for gate in before["gates"]}
    now["gates"] = [gate for gate in now["gates"] if gate["code"] in known]
    assert [node["status"] for node in before["nodes"]].count("positive") == 2
    assert differing(now, before, "") == []
    assert sorted(str(each.relative_to(scored)) for each in scored.rglob("*") if each.is_file()) == BEFORE["files"]
