"""Which DICOM objects are valid: those of phantoms, of a real series, and of cases that were refused."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.dciodvfy import ClassValidity, check_artefacts, merge
from benchmarks.gate_cases import Material, run_case
from benchmarks.reading_cases import READING_CASES
from benchmarks.scoring import CaseScore
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.inference.model import LoadedModel

REAL_SERIES: Final = Path(__file__).resolve().parents[1] / "tests" / "data" / "PX0000_t2_tra"
"""An axial T2 series of a patient (ProstateX, CC BY 3.0); see `tests/data/README.md`."""


@dataclass(frozen=True)
class CaseValidity:
    """The objects of one case."""

    group: str
    """Where the case comes from, and its status."""

    classes: tuple[ClassValidity, ...]
    """Empty when the case left no object."""


def of_phantoms(scores: Iterable[CaseScore]) -> Iterator[CaseValidity]:
    """Yield what was said of the objects of evaluated phantoms."""
    for score in scores:
        yield CaseValidity(f"phantom, {score.status}", score.objects)


def of_other_cases(model: LoadedModel, tool: Path) -> Iterator[CaseValidity]:
    """Yield the same of the real series, whole and without one slice, and of every case made to be refused."""
    files = sorted(REAL_SERIES.glob("*.dcm"))
    for dicom in (files, files[: len(files) // 2] + files[len(files) // 2 + 1 :]):
        result = analyze_case(CaseInput(DicomSeries(dicom), AboutCase("real")), model)
        yield CaseValidity(f"real series, {result.findings.status}", check_artefacts(result.artefacts, tool))
    material = Material.of(model)
    for case in READING_CASES:
        refused, _ = run_case(case, material)
        if refused is not None:
            yield CaseValidity("made to be refused", check_artefacts(refused.artefacts, tool))


def summarise_validity(cases: Sequence[CaseValidity]) -> dict[str, Any]:
    """Return objects, errors and warnings by group of cases and SOP class, and of all together, as JSON-ready values.

    Cases that left no object are a group of their own. The complaints stand once for each SOP class, under `all`.
    """
    groups: dict[str, list[CaseValidity]] = {}
    for case in cases:
        name = case.group if case.classes else f"{case.group}, no object written"
        groups.setdefault(name, []).append(case)
    total = merge(part for case in cases for part in case.classes)
    return {
        "validator": "dciodvfy (dicom3tools)",
        "objects": sum(each.objects for each in total),
        "errors": sum(each.errors for each in total),
        "groups": [_group(name, same) for name, same in groups.items()],
        "all": [asdict(each) for each in total],
    }


def validity_markdown(summary: dict[str, Any]) -> list[str]:
    """Return the lines of a Markdown section with one row for each group and SOP class."""
    rows = []
    for group in summary["groups"]:
        head = f"{group['group']} ({group['cases']})"
        rows += [
            f"| {head} | {each['sop_class']} | {each['objects']} | {each['errors']} | {each['warnings']} |"
            for each in group["classes"]
        ] or [f"| {head} | none | 0 | 0 | 0 |"]
    complaints = [(each["sop_class"], line) for each in summary["all"] for line in each["distinct_errors"]]
    return [
        "## Validity of the DICOM objects",
        "",
        f"{summary['validator']} found {summary['errors']} errors in {summary['objects']} objects.",
        "",
        "| cases | SOP class | objects | errors | warnings |",
        "|---|---|---|---|---|",
        *rows,
        "",
        *(f"- {sop_class}: `{line}`" for sop_class, line in complaints),
        *([""] if complaints else []),
    ]


def _group(name: str, cases: Sequence[CaseValidity]) -> dict[str, Any]:
    classes = merge(part for case in cases for part in case.classes)
    kept = ("sop_class", "objects", "errors", "warnings")
    return {
        "group": name,
        "cases": len(cases),
        "classes": [{key: getattr(each, key) for key in kept} for each in classes],
    }
