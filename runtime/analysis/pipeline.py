"""The way of the data, whole: what the server, the command line and every later entry call."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydicom.dataset import Dataset

from base import __version__
from core.errors import CaseRefused
from core.findings import (
    CaseContext,
    CaseIdentity,
    Findings,
    Gate,
    InputDescription,
    StationAssessment,
)
from core.judging.assessing import assess_stations, within_field_of_view
from core.judging.comparing import require_earlier_study, with_comparison, with_known_nodes
from core.judging.deciding import Circumstances, decide, describe_refusal
from core.judging.gates import check_input, check_segmentation, refusal_reasons
from core.judging.image_check import ImageCheck, examine_image
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.judging.withholding import doubtful_nodes, reasons_without_verdict, withhold_verdict, without_unseen
from core.measuring.midline import Midline, fit_midline
from core.measuring.nodes import MeasuredNodes, find_nodes
from core.progress import EarlierMonitor, Monitor, Progress, SilentMonitor
from core.reading.limits import DEFAULT_LIMITS
from core.reading.notes import without_library_warnings
from core.rules import restaging_warnings, rules_of_case
from core.segmentation import Segmentation
from core.site_choices import with_site_outcomes, with_site_rules
from core.volume import Volume, canonicalise
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput, CaseResult, Segmenter
from runtime.analysis.identity import identify
from runtime.analysis.images import Images
from runtime.analysis.reading import ReadImages, read_images
from runtime.results.artefacts import WrittenCase, write_artefacts
from runtime.results.case_pictures import CaseEvidence
from runtime.results.gate_evidence import GateEvidence
from runtime.results.regions import CaseRegions
from runtime.results.then_and_now import EarlierStudy


def analyze_case(
    case: CaseInput,
    segmenter: Segmenter,
    settings: AnalysisSettings | None = None,
    monitor: Monitor | None = None,
) -> CaseResult:
    """Read, segment, measure, decide and write one case; without a model no DICOM results are written.

    A case that cannot be analysed is a result as well: its findings have the status `refused` and every reason.
    Raises `AnalysisCancelled` when the monitor says that the caller has gone, and `SettingInvalid` when the earlier
    findings or images are no earlier ones of the patient.
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


@dataclass(frozen=True, eq=False)
class _Seen:
    """What an image shows, before it is held against another."""

    source: Volume
    """On its own grid."""

    findings: Findings
    regions: CaseRegions


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
        self.earlier: EarlierStudy | None = None
        self.timings_s: dict[str, float] = {}

    def analyze(self) -> CaseResult:
        """Run every stage in order; raises `CaseRefused` and `SettingInvalid`."""
        seen = self._examine()
        findings = self._compare(seen.findings)
        with self._stage("write"):
            written = self._write(findings, seen.regions)
        regions = seen.regions
        invert = regions.reorientation.invert
        return CaseResult(
            written.findings,
            written.artefacts,
            instances=seen.source.with_voxels(invert(regions.instances.voxels)),
            labels=seen.source.with_voxels(invert(regions.labels.voxels)),
            regions=regions,
            lost=written.lost,
        )

    def look_back(self, now: CaseIdentity, prior: Findings | None) -> EarlierStudy:
        """Return what an earlier study shows, with the nodes' UIDs of the findings that it had before.

        Raises `SettingInvalid` when it is no earlier study of that patient.
        """
        try:
            seen = self._examine(lambda: require_earlier_study(now, self._identity(), images=True))
        except CaseRefused as refusal:
            circumstances = self._circumstances(refusal.headers)
            return EarlierStudy(describe_refusal(refusal.reasons, circumstances, self.gates, warnings=(), timings_s={}))
        findings = seen.findings if prior is None else with_known_nodes(seen.findings, prior)
        return EarlierStudy(findings, seen.regions)

    def _examine(self, check: Callable[[], None] = lambda: None) -> "_Seen":
        """Read, segment, measure and decide; `check` is called once it is known what the images are of."""
        with self._stage("read"):
            self.images = images = read_images(self.case.images, self.limits)
            source = images.checked_volume()
            prior = self.case.about.prior
            require_earlier_study(self._identity(), None if prior is None else prior.case)
            check()
            volume, reorientation = canonicalise(source)
            self.input = images.describe(volume, self.segmenter.label_map_sha256)
        with self._stage("check"):
            image = self._check(volume)
        if self.case.about.earlier_images is not None:
            with self._stage("earlier"):
                self.earlier = self._earlier_study(self.case.about.earlier_images)
        with self._stage("segment"):
            segmentation = self.segmenter.segment(volume, self.monitor, self.rules)
        with self._stage("measure"):
            found = self._measure(volume, segmentation, image)
        regions = CaseRegions(volume, segmentation.labels, found.nodes.instances, found.midline, reorientation)
        return _Seen(source, self._decide(found, image), regions)

    def _earlier_study(self, images: Images) -> EarlierStudy:
        """Return what the images of an earlier study show, by the same segmenter and settings."""
        about = self.case.about
        prior = about.prior
        then = AboutCase(
            case_id=about.context.prior_case_id if prior is None else prior.case.case_id,
            context=CaseContext() if prior is None else CaseContext(prior.context.time_point),
            created=self.created,
        )
        run = _Run(CaseInput(images, then), self.segmenter, self.settings, EarlierMonitor(self.monitor))
        return run.look_back(self._identity(), prior)

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
        """Return the findings, without a verdict where the image allows none."""
        findings = decide(
            self._circumstances(),
            found.nodes,
            found.assessed,
            self.gates,
            warnings=self.segmenter.warnings
            + found.segmentation.notes
            + self._reading_warnings
            + self._restaging_warnings,
            demonstration=self._demonstration,
            timings_s=self.timings_s,
        )
        reasons = reasons_without_verdict(self.gates, image, found.seen, found.whole)
        return withhold_verdict(findings, reasons, doubtful_nodes(found.nodes, image.unseen))

    def _compare(self, findings: Findings) -> Findings:
        """Return the findings compared with the earlier study: as analysed anew, else as its findings say."""
        about, earlier = self.case.about, self.earlier
        report_uid = None if about.prior_report is None else about.prior_report.reference.sop_instance_uid
        if earlier is None:
            return findings if about.prior is None else with_comparison(findings, about.prior, report_uid=report_uid)
        if earlier.regions is not None or about.prior is None:
            return with_comparison(findings, earlier.findings, analysed_anew=True, report_uid=report_uid)
        codes = ", ".join(str(each.code) for each in earlier.findings.refusal)
        refused = f"the earlier images cannot be analysed ({codes}): the earlier findings are compared as they are"
        findings = replace(findings, warnings=(*findings.warnings, refused))
        return with_comparison(findings, about.prior, report_uid=report_uid)

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
                then=self.earlier,
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
