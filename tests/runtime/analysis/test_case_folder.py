"""The folder of a case takes whole results, and nothing beside it."""

from pathlib import Path

import pytest
from sidewall import Artefact

from runtime.analysis.case_folder import CaseInputs, write_case

INPUTS = CaseInputs("series")


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "keyimages/../../out.txt"])
def test_a_name_that_leads_out_of_the_folder_is_refused_before_anything_is_touched(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "findings.json").write_text("earlier")
    files = [Artefact("findings.json", "application/json", b"new"), Artefact(name, "text/plain", b"")]
    with pytest.raises(ValueError, match="leads out of the folder"):
        write_case(folder, files, INPUTS)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["findings.json"]
    assert (folder / "findings.json").read_text() == "earlier"


def test_a_result_takes_the_place_of_an_earlier_one_and_leaves_other_files(tmp_path: Path) -> None:
    (tmp_path / "keyimages").mkdir()
    for name in ("keyimages/node_07.png", "segmentation.dcm", "notes.txt"):
        (tmp_path / name).write_text("earlier")
    write_case(tmp_path, [Artefact("findings.json", "application/json", b"new")], INPUTS)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["findings.json", "inputs.json", "notes.txt"]
    assert CaseInputs.read(tmp_path / "inputs.json") == INPUTS
