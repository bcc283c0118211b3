"""`sidewall analyze`: one series, or the one chosen from a study, in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.findings_json import to_mapping
from core.progress import Monitor, Tell
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput, CaseResult, Segmenter
from runtime.analysis.case_folder import CaseInputs, absolute, write_case
from runtime.analysis.images import Images
from runtime.analysis.loading import ModelOnDemand, bundle_folder
from runtime.analysis.pipeline import analyze_case
from runtime.analysis.settings import LocalSettings


def analyze_into(
    out: Path,
    images: Images,
    settings: LocalSettings,
    *,
    about: AboutCase,
    inputs: CaseInputs,
    monitor: Monitor,
    tell: Tell,
    label_map: Path | None = None,
    model: Segmenter | None = None,
) -> dict[str, Any]:
    """Analyse images, write every artefact below the folder `out`, and return the findings in JSON form.

    `label_map` is a further file, for stations and nodes as NIfTI or NRRD. The model is loaded once the images have
    been read and found fit, unless it is given. A refused case has findings with the status `refused`. Raises
    `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    model = model or ModelOnDemand(settings, tell)
    result = analyze_case(CaseInput(images, about), model, AnalysisSettings.of(settings), monitor)
    _tell_lost(result, tell)
    write_case(out, result.artefacts, inputs)
    if label_map is not None:
        _save_label_map(label_map, result, tell)
    return to_mapping(result.findings)


def inputs_of(
    path: Path,
    settings: LocalSettings,
    *,
    series_uid: str | None = None,
    prior: Path | None = None,
    prior_images: Path | None = None,
    run: Mapping[str, str] | None = None,
) -> CaseInputs:
    """Return what `sidewall replay` needs to know of an input at `path`, analysed with a bundle that lies in a folder.

    `run` are the marks of a run over many cases.
    """
    return CaseInputs(
        series=str(path.resolve()),
        series_uid=series_uid,
        bundle=absolute(bundle_folder(settings)),
        prior=absolute(prior),
        prior_images=absolute(prior_images),
        restaging_rules=settings.restaging_rules,
        takes_filtered_images=settings.filtered_images == "warn",
        encapsulated_pdf=settings.encapsulated_pdf,
        structure_set=settings.structure_set,
        report_names_study=settings.report_names_study,
        series_numbers=dict(settings.series_numbers),
        series_descriptions=dict(settings.series_descriptions),
        run=dict(run or {}),
    )


def _tell_lost(result: CaseResult, tell: Tell) -> None:
    """Name the files that could not be written, each with its error and where that came up."""
    for lost in result.lost:
        tell(f"internal_error: {lost.error} in {lost.where[-1]}: {lost.name} was not written")


def _save_label_map(file: Path, result: CaseResult, tell: Tell) -> None:
    """Write stations and nodes as a label map and name the files; a refused case has none, which is told."""
    from runtime.analysis.label_map_files import write_label_map

    if result.regions is None:
        tell("no label map is written: the case was refused")
        return
    for written in write_label_map(file, result):
        tell(f"label map: {written}")
