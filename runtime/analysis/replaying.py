"""`sidewall replay`: run a case again as it was run, and say whether the result is the same."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from base.errors import SettingInvalid
from core.findings import CaseContext, Findings
from core.findings_json import to_mapping
from core.progress import Monitor, Progress
from core.reading.derivation import FILTERED_WARNING
from core.reading.volume_files import holds_volume_files
from core.site_choices import CHANGEABLE_GATES, FilteredImages, changeable_rules
from runtime.analysis.about import earlier_images, earlier_study, read_findings
from runtime.analysis.agreeing import (
    TOLERANCE,
    VOXEL_TOLERANCE,
    Difference,
    Verdict,
    differing_file,
    differing_values,
    verdict_of,
)
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput, CaseResult, Segmenter
from runtime.analysis.case_folder import INPUTS_FILE, CaseInputs, earlier_report
from runtime.analysis.images import DicomSeries, Images, images_at
from runtime.analysis.loading import load_checked_model
from runtime.analysis.pipeline import analyze_case
from runtime.analysis.scoring import load_label_map
from runtime.analysis.settings import LocalSettings
from runtime.results.settings import ResultSettings

_OF_THE_RUN: Final = "timings_s"
"""The field of the findings that no repeat has again; the number of threads may have to be another one, too."""

_WITH_TIMINGS: Final = ("findings.json", "report.html", "report.pdf")
"""Files that repeat the timings, so that only their other content can be compared."""


@dataclass(frozen=True)
class Replay:
    """What came of running a case again."""

    differences: tuple[Difference, ...]
    compared_files: tuple[str, ...]
    """Files whose bytes were compared."""

    result: CaseResult

    @property
    def verdict(self) -> Verdict:
        """Whether it is the same."""
        return verdict_of(self.differences)

    @property
    def same(self) -> bool:
        """Whether nothing differs but within the tolerance."""
        return self.verdict != "different"

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "same": self.same,
            "verdict": self.verdict,
            "tolerance": {"numbers": TOLERANCE, "share_of_voxels": VOXEL_TOLERANCE},
            "compared_files": list(self.compared_files),
            "differences": [asdict(each) for each in self.differences],
        }


def replay_case(file: Path, given: CaseInputs, settings: LocalSettings, monitor: Monitor) -> Replay:
    """Run the case of a `findings.json` again with rules, mode, backend, threads and time that it names, and compare.

    What `given` names takes the place of what `inputs.json` beside the findings says, the threads of `settings` (unless
    0) that of the findings'; `settings` have the site's secret, too: without it who the patient is is not compared.
    Raises `SettingInvalid` when input or bundle are not known, and what loading and reading raise.
    """
    then, folder = read_findings(file, "findings"), file.parent
    inputs = _inputs(folder / INPUTS_FILE, given)
    monitor.report(Progress("load", 0, 1))
    segmenter = _segmenter(then, inputs, settings)
    prior, prior_report = earlier_study(None if inputs.prior is None else Path(inputs.prior))
    about = AboutCase(
        case_id=then.case.case_id,
        context=CaseContext(time_point=then.context.time_point),
        prior=prior,
        earlier_images=None if inputs.prior_images is None else earlier_images(Path(inputs.prior_images), prior),
        prior_report=prior_report,
        earlier_report=earlier_report(folder),
        created=None if then.analysed_at is None else datetime.fromisoformat(then.analysed_at),
        taken_series_numbers=frozenset(inputs.taken_series_numbers),
    )
    chosen = replace(_analysis_settings(then, segmenter, inputs), pseudonym_salt=settings.pseudonym_salt)
    result = analyze_case(CaseInput(_images(inputs), about), segmenter, chosen, monitor)
    files = [each for each in result.artefacts if each.name not in _WITH_TIMINGS]
    knows_patient = bool(settings.pseudonym_salt)
    before, after = (_comparable(each, with_patient=knows_patient) for each in (then, result.findings))
    values = tuple(differing_values(before, after))
    compared = (differing_file(each.name, _kept(folder / each.name), each.data, values) for each in files)
    differences = (*values, *(each for each in compared if each is not None))
    return Replay(differences, tuple(each.name for each in files), result)


def _kept(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _inputs(file: Path, given: CaseInputs) -> CaseInputs:
    """Return what the command line says, else what the case's folder says; raises `SettingInvalid` without a series."""
    kept = CaseInputs.read(file) or CaseInputs("")
    named = {name: value for name, value in vars(given).items() if value}
    inputs = replace(kept, **named)
    if not inputs.series:
        raise SettingInvalid("series", None, f"--series, where the findings have no {INPUTS_FILE} beside them")
    for name in ("series", "segmentation", "prior", "prior_images"):
        path = getattr(inputs, name)
        if path and not Path(path).exists():
            raise SettingInvalid(name, path, "a path that is still there; it can be given anew")
    return inputs


def _images(inputs: CaseInputs) -> Images:
    """Return the images as the command took them: what refused several series refuses them again."""
    path = Path(inputs.series)
    takes_one = inputs.takes_one_series or inputs.segmentation is not None
    if takes_one and not holds_volume_files(path):
        return DicomSeries(path)
    return images_at(path, inputs.series_uid)


def _segmenter(then: Findings, inputs: CaseInputs, settings: LocalSettings) -> Segmenter:
    """Return the model that the findings name, or the label map that was scored."""
    bundle = None if inputs.bundle is None else Path(inputs.bundle)
    if inputs.segmentation is not None:
        return load_label_map(Path(inputs.segmentation), inputs.labels, bundle)
    if then.model is None:
        raise SettingInvalid("segmentation", None, "--segmentation: the findings are those of a label map")
    model = then.model
    # More threads than there are here are not taken; the tolerance is for that.
    threads = settings.threads or model.threads or 0
    return load_checked_model(replace(settings, bundle=bundle, backend=model.backend, mode=model.mode, threads=threads))


def _analysis_settings(then: Findings, segmenter: Segmenter, inputs: CaseInputs) -> AnalysisSettings:
    """Return the settings that the findings were made with, as far as they had an effect."""
    rules = {name: (then.rules or {}).get(name) for name in changeable_rules()}
    refusing = {each.code for each in then.gates if each.outcome == "refuse"} & {str(each) for each in CHANGEABLE_GATES}
    return AnalysisSettings(
        rules={name: value for name, value in rules.items() if value not in (None, getattr(segmenter.rules, name))},
        gates=dict.fromkeys(refusing, "refuse"),
        study_dates=then.case.study_date is not None,
        restaging_rules=inputs.restaging_rules or bool((then.rules or {}).get("restaging_applied")),
        filtered_images=_filtered_images(then, inputs),
        results=replace(
            ResultSettings.chosen(inputs.series_numbers, inputs.series_descriptions),
            names_study=inputs.report_names_study,
            writes_document=inputs.encapsulated_pdf,
            writes_structure_set=inputs.structure_set,
        ),
    )


def _filtered_images(then: Findings, inputs: CaseInputs) -> FilteredImages:
    return "warn" if inputs.takes_filtered_images or FILTERED_WARNING in then.warnings else "refuse"


def _comparable(findings: Findings, *, with_patient: bool) -> dict[str, Any]:
    """Return the findings without what another run, on this machine or another, need not have again."""
    values = {name: value for name, value in to_mapping(findings).items() if name != _OF_THE_RUN}
    if values["model"] is not None:
        del values["model"]["threads"]
    if not with_patient:
        del values["case"]["patient"]
    return values
