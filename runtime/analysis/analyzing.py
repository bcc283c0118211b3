"""`sidewall analyze`: one series, or the one chosen from a study, in this process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.findings_json import to_mapping
from core.progress import Monitor
from core.reading.files import NameAside, name_no_file
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.volume_files import holds_volume_files
from core.selection import Selection, select_series
from core.site_choices import FilteredImages
from runtime.analysis.case import AnalysisSettings, CaseInput, CaseResult
from runtime.analysis.case_folder import CaseInputs, write_case
from runtime.analysis.loading import ModelOnDemand
from runtime.analysis.pipeline import analyze_case
from runtime.settings import Settings

Tell = Callable[[str], None]
"""Takes one line for the person who asked."""


def _tell_nobody(_: str) -> None:
    """Keep a line from everybody."""


def analyze_path(
    path: Path,
    settings: Settings,
    out: Path,
    *,
    about: CaseInput,
    inputs: CaseInputs,
    monitor: Monitor,
    tell: Tell,
    name_aside: NameAside,
    label_map: Path | None = None,
) -> dict[str, Any]:
    """Analyse the images at `path`, write every artefact below `out`, and return the findings in JSON form.

    `label_map` is a further file, for stations and nodes as NIfTI or NRRD. The model is loaded once the images have
    been read and found fit. Of several series the one that fits best is chosen, or the one that `inputs` names. `tell`
    takes lines for the person who asked, such as which, and `name_aside` the files that hold no image. A refused case
    has findings with the status `refused`. Raises `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    model = ModelOnDemand(settings, tell)
    case = with_images(about, path, inputs.series_uid, tell, name_aside, filtered_images=settings.filtered_images)
    result = analyze_case(case, model, AnalysisSettings.of(settings), monitor)
    tell_lost(result, tell)
    write_case(out, result.artefacts, inputs)
    if label_map is not None:
        save_label_map(label_map, result, tell)
    return to_mapping(result.findings)


def with_images(
    about: CaseInput,
    path: Path,
    series_uid: str | None,
    tell: Tell = _tell_nobody,
    name_aside: NameAside = name_no_file,
    *,
    filtered_images: FilteredImages = "refuse",
) -> CaseInput:
    """Return the case with the images at `path`: a NIfTI or NRRD file, or one series of DICOM."""
    if series_uid is None and holds_volume_files(path):
        return replace(about, volume_file=path)
    limits = replace(DEFAULT_LIMITS, filtered_images=filtered_images)
    dicom = choose_series(path, series_uid, tell, name_aside, limits)
    return replace(about, dicom=dicom, name_aside=name_aside)


def tell_lost(result: CaseResult, tell: Tell) -> None:
    """Name the files that could not be written, each with its error and where that came up."""
    for lost in result.lost:
        tell(f"internal_error: {lost.error} in {lost.where[-1]}: {lost.name} was not written")


def save_label_map(file: Path, result: CaseResult, tell: Tell) -> None:
    """Write stations and nodes as a label map and name the files; a refused case has none, which is told."""
    from runtime.analysis.label_map_files import write_label_map

    if result.regions is None:
        tell("no label map is written: the case was refused")
        return
    for written in write_label_map(file, result):
        tell(f"label map: {written}")


def choose_series(
    path: Path, series_uid: str | None, tell: Tell, name_aside: NameAside, limits: ReadingLimits
) -> Path | Sequence[Path | bytes]:
    """Return what to read: the input as it is when it holds one series, else the instances of the chosen one."""
    aside: list[tuple[str, str]] = []
    selection = select_series(
        path, series_uid=series_uid, limits=limits, name_aside=lambda name, kind: aside.append((name, kind))
    )
    if len(selection.candidates) < 2 and series_uid is None:
        return path  # reading itself names what it leaves aside
    for name, kind in aside:
        name_aside(name, kind)
    for line in _announcement(selection):
        tell(line)
    return selection.as_source()


def _announcement(selection: Selection) -> list[str]:
    chosen = selection.chosen
    if chosen is None:
        return []
    said = f"{chosen.label} of {len(selection.candidates)} is analysed: {chosen.verdict}, {chosen.score:g} points"
    return [said, *(f"warning: {warning}" for warning in selection.warnings)]
