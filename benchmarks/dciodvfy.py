"""`dciodvfy` of dicom3tools (David Clunie): what it says of DICOM files, and how much of it counts."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydicom import dcmread

from runtime.results.artefact import Artefact

_ERROR: Final = re.compile(r"(^|[-:] )(Error|Abort) - ")
"""A complaint stands at the start of a line, or after the element that it is about."""

_WARNING: Final = re.compile(r"(^|[-:] )Warning - ")


@dataclass(frozen=True)
class Complaints:
    """What was said of one file."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ClassValidity:
    """What was said of all objects of one SOP class."""

    sop_class: str
    objects: int
    errors: int
    """Lines of all objects together."""

    warnings: int
    distinct_errors: tuple[str, ...]
    distinct_warnings: tuple[str, ...]


def find_dciodvfy() -> Path | None:
    """Return where the tool is; None when it is not installed."""
    found = shutil.which("dciodvfy")
    return None if found is None else Path(found)


def complaints_about(path: Path, tool: Path) -> Complaints:
    """Return what the tool says of a file; that it ends with a failure and no error of its own counts as an error."""
    done = subprocess.run([tool, path], capture_output=True, text=True, check=False, errors="replace")
    lines = (done.stdout + done.stderr).splitlines()
    errors = tuple(line for line in lines if _ERROR.search(line))
    if done.returncode != 0 and not errors:
        errors = (f"dciodvfy ended with status {done.returncode}",)
    return Complaints(errors, tuple(line for line in lines if _WARNING.search(line)))


def check_artefacts(artefacts: Iterable[Artefact], tool: Path) -> tuple[ClassValidity, ...]:
    """Return what is said of the DICOM objects among a case's artefacts, by SOP class."""
    checked = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "object.dcm"
        for artefact in artefacts:
            if artefact.name.endswith(".dcm"):
                path.write_bytes(artefact.data)
                checked.append(_of_one(_sop_class(artefact.data), complaints_about(path, tool)))
    return merge(checked)


def merge(parts: Iterable[ClassValidity]) -> tuple[ClassValidity, ...]:
    """Return the parts added up, one for each SOP class in the order of their names."""
    by_class: dict[str, list[ClassValidity]] = {}
    for part in parts:
        by_class.setdefault(part.sop_class, []).append(part)
    return tuple(
        ClassValidity(
            sop_class=name,
            objects=sum(part.objects for part in same),
            errors=sum(part.errors for part in same),
            warnings=sum(part.warnings for part in same),
            distinct_errors=tuple(sorted({line for part in same for line in part.distinct_errors})),
            distinct_warnings=tuple(sorted({line for part in same for line in part.distinct_warnings})),
        )
        for name, same in sorted(by_class.items())
    )


def _of_one(sop_class: str, said: Complaints) -> ClassValidity:
    return ClassValidity(sop_class, 1, len(said.errors), len(said.warnings), said.errors, said.warnings)


def _sop_class(data: bytes) -> str:
    return str(dcmread(BytesIO(data), specific_tags=["SOPClassUID"]).SOPClassUID.name)
