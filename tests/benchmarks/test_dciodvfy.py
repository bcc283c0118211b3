"""What counts as an error of dciodvfy, with lines that it has said; the tool itself is a script here."""

from pathlib import Path

import pytest

from benchmarks.dciodvfy import ClassValidity, complaints_about, find_dciodvfy, merge
from benchmarks.dicom_validity import CaseValidity, summarise_validity, validity_markdown

SAID = """MRImage
Error - Missing attribute Type 2 Required Element=<ReferringPhysicianName> Module=<GeneralStudy>
(0x0018,0x1030) LO Protocol Name  - Error - Value invalid for this VR
(0x0019,0x100b) DS Slice Measurement Duration  - Warning - Explicit value representation doesn't match
Warning - Value is zero for value 1 of attribute <Patient's Weight>
Information about an <Error> in a name
"""
SEG = ClassValidity("Segmentation Storage", 1, 0, 1, (), ("Warning - dubious",))
BAD_SEG = ClassValidity("Segmentation Storage", 2, 3, 1, ("Error - missing",), ("Warning - dubious",))


def _tool(folder: Path, said: str, status: int) -> Path:
    (folder / "said").write_text(said)
    tool = folder / "tool"
    tool.write_text(f"#!/bin/sh\ncat {folder / 'said'} >&2\nexit {status}\n")
    tool.chmod(0o755)
    return tool


def test_errors_and_warnings_are_told_apart_wherever_they_stand_in_the_line(tmp_path: Path) -> None:
    said = complaints_about(tmp_path / "any.dcm", _tool(tmp_path, SAID, 1))
    lines = SAID.splitlines()
    assert said.errors == tuple(lines[1:3])
    assert said.warnings == tuple(lines[3:5])


def test_an_abort_and_a_failure_without_a_word_are_errors(tmp_path: Path) -> None:
    assert complaints_about(tmp_path, _tool(tmp_path, "Abort - File open for read failed\n", 1)).errors == (
        "Abort - File open for read failed",
    )
    assert complaints_about(tmp_path, _tool(tmp_path, "", 3)).errors == ("dciodvfy ended with status 3",)
    assert complaints_about(tmp_path, _tool(tmp_path, "SCImage\n", 0)).errors == ()


def test_the_real_tool_finds_an_error_in_a_text(tmp_path: Path) -> None:
    tool = find_dciodvfy()
    if tool is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    path = tmp_path / "text.dcm"
    path.write_text("This is no DICOM.\n" * 100)
    assert complaints_about(path, tool).errors


def test_objects_of_one_class_are_added_up() -> None:
    assert merge([SEG, BAD_SEG]) == (
        ClassValidity("Segmentation Storage", 3, 3, 2, ("Error - missing",), ("Warning - dubious",)),
    )


def test_the_report_shows_every_group_also_without_an_object_and_every_error() -> None:
    cases = [CaseValidity("phantom, positive", (SEG,)), CaseValidity("phantom, positive", (BAD_SEG,))]
    summary = summarise_validity([*cases, CaseValidity("made to be refused", ())])
    assert (summary["objects"], summary["errors"]) == (3, 3)
    text = "\n".join(validity_markdown(summary))
    assert "| phantom, positive (2) | Segmentation Storage | 3 | 3 | 2 |" in text
    assert "| made to be refused, no object written (1) | none | 0 | 0 | 0 |" in text
    assert "- Segmentation Storage: `Error - missing`" in text
