"""`sidewall score`: the findings of a label map that someone made."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from core.errors import CaseRefused
from core.findings_json import to_mapping
from core.labelmaps import ForeignLabels, parse_meanings, read_label_map
from core.progress import Monitor
from core.rules import ScoringRules
from core.volume import Volume
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
    `refused`, also where the file is no label map. Raises `SettingInvalid` on labels that mean nothing.
    """
    scored = load_label_map(segmentation, inputs.labels, bundle_folder(settings))
    result = analyze_case(CaseInput(DicomSeries(series), about), scored, AnalysisSettings.of(settings), monitor)
    write_case(out, result.artefacts, inputs)
    return to_mapping(result.findings)


def load_label_map(segmentation: Path, labels: str | None, bundle: Path | None) -> LabelMapSegmenter:
    """Return a label map in the place of a model, one that cannot be read too; raises what `score_path` raises."""
    meanings = None if labels is None else parse_meanings(labels)
    rules = ScoringRules() if bundle is None else load_bundle(bundle).rules
    try:
        return LabelMapSegmenter(read_label_map(segmentation), meanings, rules)
    except CaseRefused as refusal:
        return _Unreadable(_nothing_of(segmentation), meanings, rules, refusal=refusal)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Unreadable(LabelMapSegmenter):
    """A file that is no label map: the case is read, and then refused as every other that cannot be scored."""

    refusal: CaseRefused

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> NoReturn:
        """Raise why the file could not be read."""
        raise self.refusal


def _nothing_of(segmentation: Path) -> ForeignLabels:
    """Return an empty map with the digest of a file that cannot be read as one."""
    try:
        content = segmentation.read_bytes()
    except OSError:
        content = b""
    voxel = Volume(np.zeros((1, 1, 1), np.uint16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))
    return ForeignLabels(voxel, hashlib.sha256(content).hexdigest())
