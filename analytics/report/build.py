"""The whole report in one function: sections in their order, and the files that they become."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from analytics.errors import NotEstimable, fault_text
from analytics.folders import writable_folder
from analytics.report.blocks import Figure, Number, ReportDocument, Section, Table, Text, identifier
from analytics.report.checklists import checklists_section
from analytics.report.docx_document import docx_bytes
from analytics.report.figures.drawing import drawn_as
from analytics.report.html_page import html_page
from analytics.report.inputs import input_digests
from analytics.report.language import in_spoken_language, say, speaking
from analytics.report.letters import without_font
from analytics.report.machine import numbers_csv, results_json
from analytics.report.pdf_document import pdf_bytes
from analytics.report.r_script import r_script
from analytics.report.sections.accuracy import accuracy_section
from analytics.report.sections.agreement import agreement_section
from analytics.report.sections.baseline import baseline_section
from analytics.report.sections.cox import cox_section
from analytics.report.sections.key_results import key_results_section
from analytics.report.sections.levels import levels_section
from analytics.report.sections.patients import patients_section
from analytics.report.sections.performance import performance_is_asked, performance_section
from analytics.report.sections.ratings import ratings_section
from analytics.report.sections.segmentation import segmentation_section
from analytics.report.sections.subgroups import subgroups_section
from analytics.report.sections.survival import survival_section
from analytics.report.workers import on_processes
from analytics.segmentation.label_map import label_map_files
from analytics.study.data import StudyData
from analytics.study.spec import Study
from analytics.version import software_versions


def build_report(
    data: StudyData,
    study_file: Path,
    advance: Callable[[], None] = lambda: None,
    jobs: int = 1,
    verify: bool = False,
) -> ReportDocument:
    """Return the report of a study; `advance` is called `step_count` times; `verify` adds a second opinion.

    `jobs` processes compute sections side by side, with the same result; more than one asks that the calling program
    guards its entry with `if __name__ == "__main__"`. Raises `WorkerLost`.
    """
    computed = _sections(data, advance) if jobs == 1 else _side_by_side(data, advance, jobs)
    sections = [section for section in computed if section is not None]
    key_results = _computed("Key results", data.study, partial(key_results_section, data, sections))
    sections = [*([] if key_results is None else [key_results]), *sections]
    if verify:
        numbers = [number for section in sections for number in section.numbers]
        opinion = _computed("Second opinion", data.study, partial(_second_opinion, data, numbers))
        sections += [opinion] if opinion is not None else []
    titles = {section.key: section.title for section in sections if section.fault is None}
    inputs = input_digests(study_file, data.study)
    versions = software_versions()
    sections += [checklists_section(data, titles), _origin_section(versions, inputs)]
    sections += _letters_section(data.study, sections)
    subtitle = f"{len(data.patients):,} patients, {len(data.study.raters)} raters, {len(data.follow_up)} endpoints"
    return ReportDocument(data.study.title, subtitle, data.study.simulated, tuple(sections), versions, inputs)


def _second_opinion(data: StudyData, numbers: Sequence[Number]) -> Section:
    # lifelines and statsmodels take seconds to load, which nobody waits for who asks for no second opinion.
    from analytics.report.second_opinion import second_opinion

    return second_opinion(data, numbers)


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
        yield _computed(title, data.study, partial(make, data))
        advance()
    for title, follow in _STEP_BY_STEP.items():
        yield _computed(title, data.study, partial(follow, data, advance))


def _side_by_side(data: StudyData, advance: Callable[[], None], jobs: int) -> Iterator[Section | None]:
    """Yield what `_sections` does; the long sections are begun first."""
    titles = (*reversed(_STEP_BY_STEP), *_AT_ONCE)

    def count(title: str) -> None:
        for _ in range(_steps_of(title, data)):
            advance()

    found = dict(zip(titles, on_processes(jobs, partial(_alone, data), titles, count), strict=True))
    yield from (found[title] for title in (*_AT_ONCE, *_STEP_BY_STEP))


def _alone(data: StudyData, title: str) -> Section | None:
    """Return one section, in a process of its own."""
    if title in _AT_ONCE:
        return _computed(title, data.study, partial(_AT_ONCE[title], data))
    return _computed(title, data.study, partial(_STEP_BY_STEP[title], data, lambda: None))


def _computed(title: str, study: Study, make: Callable[[], Section | None]) -> Section | None:
    """Return a section, or why the data do not allow it: the others go on, as they do after a fault in this one."""
    key = identifier(title.lower())
    try:
        with drawn_as(study.figures), speaking(study.language):
            return make()
    except NotEstimable as error:
        return Section(key, title, (Text(f"Not computed: {error}."),))
    except Exception as error:  # noqa: BLE001 - whatever went wrong here must not cost the other sections
        fault = fault_text(error)
        words = f"Not computed because of a fault of this program ({fault}). Please report it; the data may be right."
        return Section(key, title, (Text(words),), fault=fault)


def step_count(data: StudyData) -> int:
    """Return how often `build_report` calls `advance`."""
    return sum(_steps_of(title, data) for title in (*_AT_ONCE, *_STEP_BY_STEP))


def _steps_of(title: str, data: StudyData) -> int:
    """Return how often a section calls `advance`; one of survival does so once an endpoint."""
    if title in _AT_ONCE:
        return 1
    if title == "Segmentation":
        maps = data.study.label_maps
        return 0 if maps is None else len(label_map_files(maps.reference))
    follow_up = data.study.follow_up
    left_out = (title == "Cox models" and not data.study.analysis.candidates) or (
        title == "Performance of survival models" and not performance_is_asked(data.study)
    )
    return 0 if follow_up is None or left_out else len(follow_up.endpoints)


def _letters_section(study: Study, sections: list[Section]) -> list[Section]:
    """Return what says that some letters have no font; nothing where all have one."""
    words = [study.title]
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                words += [block.title, block.note, *block.header, *(cell for row in block.rows for cell in row)]
            elif isinstance(block, Text):
                words.append(block.text)
            else:
                words += [block.title, block.alternative, block.note]
    with speaking(study.language):
        words = [each for word in words for each in (word, say(word))]
    if not (missing := without_font("".join(sorted({letter for word in words for letter in word})))):
        return []
    text = (
        f"No font of this tool or of the system has the letters {' '.join(missing)}: they are boxes in figures "
        "and in the PDF. HTML, DOCX and results.json have them. Install a TrueType font that has them."
    )
    return [Section("letters", "Letters without a font", (Text(text),))]


def _origin_section(versions: dict[str, str], inputs: dict[str, str]) -> Section:
    return Section(
        "origin",
        "Software and input",
        (
            Table("versions", "Software", ("Name", "Version"), tuple(versions.items())),
            Table("inputs", "Input", ("File or folder", "sha256"), tuple(inputs.items())),
        ),
    )


@dataclass(frozen=True)
class Written:
    """What became of a report on the disk."""

    files: tuple[Path, ...]
    faults: dict[str, str]
    """Sections, figures and files that were lost to a mistake of this program, and the mistake."""


def write_report(
    document: ReportDocument, data: StudyData, folder: Path, advance: Callable[[], None] = lambda: None
) -> Written:
    """Write every file of the report; `advance` is called after each of the six documents.

    The numbers come first: a document that cannot be laid out costs itself alone, and `results.json` names it.
    """
    figures = writable_folder(folder / "figures")
    faults, written = dict(document.faults), []
    with speaking(data.study.language):
        shown = in_spoken_language(document)
    makers: dict[str, Callable[[], str | bytes]] = {
        "results.json": lambda: results_json(document, data, faults),
        "numbers.csv": lambda: numbers_csv(document),
        "analysis.R": lambda: r_script(document, data, folder),
        "report.html": lambda: html_page(shown),
        "tables.docx": lambda: docx_bytes(shown),
        "report.pdf": lambda: pdf_bytes(shown),
    }
    for name, make in makers.items():
        # One of an earlier run would look like one of this report.
        (folder / name).unlink(missing_ok=True)
        try:
            with speaking(data.study.language):
                content = make()
            written.append(_write(folder / name, content))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - what one document is lost to must not cost the others
            faults[name] = fault_text(error)
        advance()
    if len(faults) > len(document.faults):
        _write(folder / "results.json", results_json(document, data, faults))
    return Written((*written, *_write_figures(document, figures)), faults)


def _write_figures(document: ReportDocument, folder: Path) -> list[Path]:
    """Write the figures alone into their folder and return their paths."""
    for stale in (*folder.glob("*.svg"), *folder.glob("*.png")):
        stale.unlink()
    written = []
    for figure in (block for section in document.sections for block in section.blocks if isinstance(block, Figure)):
        written += [_write(folder / f"{figure.key}.svg", figure.svg), _write(folder / f"{figure.key}.png", figure.png)]
    return written


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path
