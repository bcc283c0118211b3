"""`sidewall score`: the findings of a label map that someone made."""

from pathlib import Path
from typing import Any

from core.findings_json import to_mapping
from core.labelmaps import parse_meanings, read_label_map
from core.progress import Monitor
from core.rules import ScoringRules
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput
from runtime.analysis.case_folder import CaseInputs, write_case
from runtime.analysis.images import DicomSeries
from runtime.analysis.loading import bundle_folder
from runtime.analysis.pipeline import analyze_case
from runtime.analysis.settings import LocalSettings
from runtime.bundle.loading import load_bundle
from runtime.labelmaps import LabelMapSegmenter


def score_path(
    series: Path,
    segmentation: Path,
    settings: LocalSettings,
    out: Path,
    *,
    inputs: CaseInputs,
    about: AboutCase,
    monitor: Monitor,
) -> dict[str, Any]:
    """Score the label map `segmentation` of the series, write findings and key images, return the findings as JSON.

    The thresholds are the study's, or those of the settings' bundle. A refused case has findings with the status
    `refused`. Raises `CaseRefused` when the file is no label map, and `SettingInvalid` on labels that mean nothing.
    """
    scored = load_label_map(segmentation, inputs.labels, bundle_folder(settings))
    result = analyze_case(CaseInput(DicomSeries(series), about), scored, AnalysisSettings.of(settings), monitor)
    write_case(out, result.artefacts, inputs)
    return to_mapping(result.findings)


def load_label_map(segmentation: Path, labels: str | None, bundle: Path | None) -> LabelMapSegmenter:
    """Return a label map in the place of a model; raises what `score_path` raises."""
    meanings = None if labels is None else parse_meanings(labels)
    rules = ScoringRules() if bundle is None else load_bundle(bundle).rules
    return LabelMapSegmenter(read_label_map(segmentation), meanings, rules)
