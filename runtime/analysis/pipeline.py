"""The way of the data, whole: what the server, the command line and every later entry call."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydicom.dataset import Dataset

from base import __version__
from core.errors import CaseRefused
from core.findings import (
    CaseIdentity,
    Findings,
    Gate,
    InputDescription,
    StationAssessment,
)
from core.judging.assessing import assess_stations, within_field_of_view
from core.judging.comparing import require_earlier_study, with_comparison
from core.judging.deciding import Circumstances, decide, describe_refusal
from core.judging.gates import check_input, check_segmentation, refusal_reasons
from core.judging.image_check import ImageCheck, examine_image
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.judging.withholding import doubtful_nodes, reasons_without_verdict, withhold_verdict, without_unseen
from core.measuring.midline import Midline, fit_midline
from core.measuring.nodes import MeasuredNodes, find_nodes
from core.progress import Monitor, Progress, SilentMonitor
from core.reading.limits import DEFAULT_LIMITS
from core.reading.notes import without_library_warnings
from core.rules import restaging_warnings, rules_of_case
from core.segmentation import Segmentation
from core.site_choices import with_site_outcomes, with_site_rules
from core.volume import Volume, canonicalise
from runtime.analysis.case import AnalysisSettings, CaseInput, CaseResult, Segmenter
from runtime.analysis.identity import identify
from runtime.analysis.reading import ReadImages, read_images
from runtime.results.artefacts import WrittenCase, write_artefacts
from runtime.results.case_pictures import CaseEvidence
from runtime.results.gate_evidence import GateEvidence
from runtime.results.regions import CaseRegions


def analyze_case(
    case: CaseInput,
    segmenter: Segmenter,
    settings: AnalysisSettings | None = None,
    monitor: Monitor | None = None,
) -> CaseResult:
    """Read, segment, measure, decide and write one case; without a model no DICOM results are written.

    A case that cannot be analysed is a result as well: its findings have the status `refused` and every reason.
    Raises `AnalysisCancelled` when the monitor says that the caller has gone, and `SettingInvalid` when the earlier
    findings are of the very same series.
    """
    run = _Run(case, segmenter, settings or AnalysisSettings(), monitor or SilentMonitor())
    try:
        return run.analyze()
    except CaseRefused as refusal:
        return run.refuse(refusal)


@dataclass(frozen=True, eq=False)
class _Found:
    """What was found in an image."""

    segmentation: Segmentation
    midline: Midline
    whole: tuple[StationAssessment, ...]
    """Stations as they were segmented."""

    seen: tuple[StationAssessment, ...]
    """The same, without those that a fault of the image reaches."""

    assessed: tuple[StationAssessment, ...]
    """Of these, the ones within a field of view that passed."""

    nodes: MeasuredNodes


class _Run:
    """One analysis on its way: keeps what a refusal at any stage can still say about the case."""

    def __init__(self, case: CaseInput, segmenter: Segmenter, settings: AnalysisSettings, monitor: Monitor) -> None:
        self.case, self.segmenter, self.settings, self.monitor = case, segmenter, settings, monitor
        self.rules = rules_of_case(
            with_site_rules(segmenter.rules, settings.rules),
            case.about.context.time_point,
            restaging_rules=settings.restaging_rules,
        )
        self.limits = replace(DEFAULT_LIMITS, filtered_images=settings.filtered_images)
        self.created = case.about.created or datetime.now(UTC)
        self.images: ReadImages | None = None
        self.input: InputDescription | None = None
        self.evidence: GateEvidence | None = None
        self.gates: tuple[Gate, ...] = ()
        self.timings_s: dict[str, float] = {}

    def analyze(self) -> CaseResult:
        """Run every stage in order; raises `CaseRefused` and `SettingInvalid`."""
        with self._stage("read"):
            self.images = images = read_images(self.case.images, self.limits)
            source = images.checked_volume()
            require_earlier_study(self._identity(), self.case.about.prior)
            volume, reorientation = canonicalise(source)
            self.input = images.describe(volume, self.segmenter.label_map_sha256)
        with self._stage("check"):
            image = self._check(volume)
        with self._stage("segment"):
            segmentation = self.segmenter.segment(volume, self.monitor, self.rules)
        with self._stage("measure"):
            found = self._measure(volume, segmentation, image)
        findings = self._decide(found, image)
        with self._stage("write"):
            regions = CaseRegions(volume, segmentation.labels, found.nodes.instances, found.midline, reorientation)
            written = self._write(findings, regions)
        return CaseResult(
            written.findings,
            written.artefacts,
            instances=source.with_voxels(reorientation.invert(found.nodes.instances.voxels)),
            labels=source.with_voxels(reorientation.invert(segmentation.labels.voxels)),
            regions=regions,
            lost=written.lost,
        )

    def refuse(self, refusal: CaseRefused) -> CaseResult:
        """Return the findings of a refused case, with whatever was known when it was refused."""
        findings = describe_refusal(
            refusal.reasons,
            self._circumstances(refusal.headers),
            self.gates,
            warnings=self._reading_warnings,
            timings_s=self.timings_s,
        )
        written = self._write(findings, None, refusal)
        return CaseResult(written.findings, written.artefacts, lost=written.lost)

    def _check(self, volume: Volume) -> ImageCheck:
        """Return what of the image is none, once the gates on it have passed."""
        reference = self.segmenter.input_reference
        self.evidence = GateEvidence(volume, reference, rules=self.rules)
        image = examine_image(volume, self.segmenter.image_reference or DEFAULT_IMAGE_REFERENCE)
        self.evidence = replace(self.evidence, image=image)
        self._pass(check_input(volume, reference, image.limits) + image.gates)
        return image

    def _measure(self, volume: Volume, segmentation: Segmentation, image: ImageCheck) -> _Found:
        """Return stations and nodes, once the gates on them have passed."""
        midline = fit_midline(volume, segmentation)
        whole = assess_stations(segmentation, midline, self.rules, self.segmenter.station_reference)
        seen = without_unseen(whole, segmentation, midline, image)
        assessed = within_field_of_view(seen, self.gates)
        nodes = find_nodes(
            volume,
            segmentation,
            midline,
            self.rules,
            tracking_seed=self._tracking_seed(),
            demonstration=self._demonstration,
        )
        if self.evidence is not None:
            self.evidence = replace(
                self.evidence, segmentation=segmentation, midline=midline, assessed=assessed, measured=nodes
            )
        self._pass(check_segmentation(segmentation, nodes, assessed, midline, self.rules))
        return _Found(segmentation, midline, whole, seen, assessed, nodes)

    def _decide(self, found: _Found, image: ImageCheck) -> Findings:
        """Return the findings, without a verdict where the image allows none, compared with an earlier study."""
        findings = decide(
            self._circumstances(),
            found.nodes,
            found.assessed,
            self.gates,
            warnings=self.segmenter.warnings + self._reading_warnings + self._restaging_warnings,
            demonstration=self._demonstration,
            timings_s=self.timings_s,
        )
        reasons = reasons_without_verdict(self.gates, image, found.seen, found.whole)
        findings = withhold_verdict(findings, reasons, doubtful_nodes(found.nodes, image.unseen))
        prior = self.case.about.prior
        return findings if prior is None else with_comparison(findings, prior)

    def _write(
        self, findings: Findings, regions: CaseRegions | None, refusal: CaseRefused | None = None
    ) -> WrittenCase:
        """Return the files of the case; DICOM objects speak of a model, so a label map gives none."""
        by_model = findings.model is not None
        series = self.images.series if self.images else None
        refused, reasons = (refusal.headers, refusal.reasons) if refusal else ((), ())
        headers = refused or (self.images.headers if self.images else ())
        with without_library_warnings():
            return write_artefacts(
                findings,
                regions,
                series=series if by_model else None,
                created=self.created,
                refused_headers=refused if by_model else (),
                evidence=CaseEvidence(self.evidence, headers, reasons, self.limits),
                settings=replace(self.settings.results, taken_numbers=self._taken_numbers(refusal)),
                earlier=self.case.about.earlier_report,
            )

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        self.monitor.check()
        self.monitor.report(Progress(name, 0, 1))
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[name] = round(time.perf_counter() - started_s, 3)
        self.monitor.report(Progress(name, 1, 1))

    def _pass(self, gates: tuple[Gate, ...]) -> None:
        """Keep the gates for the findings; raises `CaseRefused` when one of them refuses."""
        gates = with_site_outcomes(gates, self.settings.gates)
        self.gates += gates
        reasons = refusal_reasons(gates)
        if reasons:
            raise CaseRefused(reasons)

    def _circumstances(self, refused: Iterable[Dataset] = ()) -> Circumstances:
        return Circumstances(
            software_version=__version__,
            case=self._identity(refused),
            context=self.case.about.context,
            input=self.input,
            model=self.segmenter.describe(),
            rules=self.rules,
            analysed_at=self.created.isoformat(),
        )

    def _identity(self, refused: Iterable[Dataset] = ()) -> CaseIdentity:
        salt, created = self.settings.pseudonym_salt, self.created.isoformat()
        return identify(
            self.case.about.case_id,
            salt,
            self.images,
            refused,
            created,
            with_study_date=self.settings.study_dates,
        )

    def _tracking_seed(self) -> str:
        identity = self._identity()
        model = self.segmenter.describe()
        made_by = model.bundle_digest if model else f"label map {self.segmenter.label_map_sha256}"
        return "|".join([identity.series_instance_uid or identity.case_id, made_by, __version__])

    def _taken_numbers(self, refusal: CaseRefused | None) -> frozenset[int]:
        known = [each.taken_series_numbers for each in (self.case.about, self.images, refusal) if each]
        return frozenset[int]().union(*known)

    @property
    def _reading_warnings(self) -> tuple[str, ...]:
        return self.images.warnings if self.images else ()

    @property
    def _restaging_warnings(self) -> tuple[str, ...]:
        return restaging_warnings(self.case.about.context.time_point, restaging_rules=self.settings.restaging_rules)

    @property
    def _demonstration(self) -> bool:
        """A model that only knows phantoms says nothing about patients, whatever the input looks like."""
        return self.segmenter.knows_phantoms_only and not (self.images and self.images.is_phantom)
