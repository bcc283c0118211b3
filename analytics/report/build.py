"""The whole report in one function: sections in their order, and the files that they become."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from analytics.errors import NotEstimable, fault_text
from analytics.folders import writable_folder
from analytics.report.blocks import Figure, ReportDocument, Section, Table, Text, identifier
from analytics.report.checklists import checklists_section
from analytics.report.docx_document import docx_bytes
from analytics.report.html_page import html_page
from analytics.report.inputs import input_digests
from analytics.report.machine import numbers_csv, results_json
from analytics.report.pdf_document import pdf_bytes
from analytics.report.sections.accuracy import accuracy_section
from analytics.report.sections.agreement import agreement_section
from analytics.report.sections.baseline import baseline_section
from analytics.report.sections.cox import cox_section
from analytics.report.sections.levels import levels_section
from analytics.report.sections.patients import patients_section
from analytics.report.sections.performance import performance_is_asked, performance_section
from analytics.report.sections.ratings import ratings_section
from analytics.report.sections.segmentation import segmentation_section
from analytics.report.sections.subgroups import subgroups_section
from analytics.report.sections.survival import survival_section
from analytics.segmentation.label_map import label_map_files
from analytics.study.data import StudyData
from analytics.version import software_versions


def build_report(data: StudyData, study_file: Path, advance: Callable[[], None] = lambda: None) -> ReportDocument:
    """Return the report of a study; `advance` is called `step_count` times."""
    sections = [section for section in _sections(data, advance) if section is not None]
    titles = {section.key: section.title for section in sections if section.fault is None}
    inputs = input_digests(study_file, data.study)
    versions = software_versions()
    sections += [checklists_section(data, titles), _origin_section(versions, inputs)]
    subtitle = f"{len(data.patients):,} patients, {len(data.study.raters)} raters, {len(data.follow_up)} endpoints"
    return ReportDocument(data.study.title, subtitle, data.study.simulated, tuple(sections), versions, inputs)


_AT_ONCE: Final[dict[str, Callable[[StudyData], Section | None]]] = {
    "Patients and data": patients_section,
    "Baseline characteristics": baseline_section,
    "Diagnostic accuracy": accuracy_section,
    "Accuracy by side, station and node": levels_section,
    "Accuracy by subgroup": subgroups_section,
    "Status, region and size against the reference": ratings_section,
    "Agreement": agreement_section,
}
_STEP_BY_STEP: Final[dict[str, Callable[[StudyData, Callable[[], None]], Section | None]]] = {
    "Segmentation": segmentation_section,
    "Survival": survival_section,
    "Cox models": cox_section,
    "Performance of survival models": performance_section,
}


def _sections(data: StudyData, advance: Callable[[], None]) -> Iterator[Section | None]:
    for title, make in _AT_ONCE.items():
        yield _computed(title, partial(make, data))
        advance()
    for title, follow in _STEP_BY_STEP.items():
        yield _computed(title, partial(follow, data, advance))


def _computed(title: str, make: Callable[[], Section | None]) -> Section | None:
    """Return a section, or why the data do not allow it: the others go on, as they do after a fault in this one."""
    key = identifier(title.lower())
    try:
        return make()
    except NotEstimable as error:
        return Section(key, title, (Text(f"Not computed: {error}."),))
    except Exception as error:  # noqa: BLE001 - whatever went wrong here must not cost the other sections
        fault = fault_text(error)
        words = f"Not computed because of a fault of this program ({fault}). Please report it; the data may be right."
        return Section(key, title, (Text(words),), fault=fault)


def step_count(data: StudyData) -> int:
    """Return how often `build_report` calls `advance`."""
    endpoints = 0 if data.study.follow_up is None else len(data.study.follow_up.endpoints)
    maps = data.study.label_maps
    models = 3 if performance_is_asked(data.study) else 2
    return len(_AT_ONCE) + models * endpoints + (0 if maps is None else len(label_map_files(maps.reference)))


def _origin_section(versions: dict[str, str], inputs: dict[str, str]) -> Section:
    return Section(
        "origin",
        "Software and input",
        (
            Table("versions", "Software", ("Name", "Version"), tuple(versions.items())),
            Table("inputs", "Input", ("File or folder", "sha256"), tuple(inputs.items())),
        ),
    )


def write_report(
    document: ReportDocument, data: StudyData, folder: Path, advance: Callable[[], None] = lambda: None
) -> list[Path]:
    """Write every file of the report and return their paths; `advance` is called after each of the five documents."""
    figures = writable_folder(folder / "figures")
    written = []
    makers: dict[str, Callable[[], str | bytes]] = {
        "report.html": lambda: html_page(document),
        "report.pdf": lambda: pdf_bytes(document),
        "tables.docx": lambda: docx_bytes(document),
        "results.json": lambda: results_json(document, data),
        "numbers.csv": lambda: numbers_csv(document),
    }
    for name, make in makers.items():
        written.append(_write(folder / name, make()))
        advance()
    # A figure of an earlier run would look like one of this report.
    for stale in (*figures.glob("*.svg"), *figures.glob("*.png")):
        stale.unlink()
    for figure in (block for section in document.sections for block in section.blocks if isinstance(block, Figure)):
        written += [
            _write(figures / f"{figure.key}.svg", figure.svg),
            _write(figures / f"{figure.key}.png", figure.png),
        ]
    return written


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path
