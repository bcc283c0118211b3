"""The way of the data, whole: what the server, the command line and every later entry call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from pydicom.dataset import Dataset

from base import __version__
from core.case_names import pseudonym
from core.errors import CaseRefused, Reason
from core.findings import (
    CaseIdentity,
    Findings,
    Gate,
    InputDescription,
)
from core.judging.assessing import assess_stations, within_field_of_view
from core.judging.comparing import require_other_series, with_comparison
from core.judging.deciding import decide, describe_refusal
from core.judging.gates import check_input, check_segmentation, refusal_reasons
from core.judging.image_check import examine_image
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.judging.withholding import doubtful_nodes, reasons_without_verdict, withhold_verdict, without_unseen
from core.measuring.midline import fit_midline
from core.measuring.nodes import find_nodes
from core.progress import Monitor, Progress, SilentMonitor
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.notes import without_library_warnings
from core.rules import restaging_warnings, rules_of_case
from core.site_choices import with_site_outcomes, with_site_rules
from core.volume import canonicalise
from runtime.analysis.case import AnalysisSettings, CaseInput, CaseResult, Segmenter
from runtime.analysis.reading import ReadImages, read_images
from runtime.results.artefacts import WrittenCase, write_artefacts
from runtime.results.gate_card import GatePicture
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_pictures import gate_pictures
from runtime.results.refusal_pictures import refusal_pictures
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


class _Run:
    """One analysis on its way: keeps what a refusal at any stage can still say about the case."""

    def __init__(self, case: CaseInput, segmenter: Segmenter, settings: AnalysisSettings, monitor: Monitor) -> None:
        self.case, self.segmenter, self.settings, self.monitor = case, segmenter, settings, monitor
        self.images: ReadImages | None = None
        self.description: InputDescription | None = None
        self.gates: tuple[Gate, ...] = ()
        self.evidence: GateEvidence | None = None
        self.refused_headers: tuple[Dataset, ...] = ()
        self.reasons: tuple[Reason, ...] = ()
        self.timings_s: dict[str, float] = {}
        self.rules = rules_of_case(
            with_site_rules(segmenter.rules, settings.rules),
            case.about.context.time_point,
            restaging_rules=settings.restaging_rules,
        )
        self.created = case.about.created or datetime.now(UTC)

    def analyze(self) -> CaseResult:
        """Run every stage in order; raises `CaseRefused` and `SettingInvalid`."""
        rules = self.rules
        with self._stage("read"):
            self.images = images = read_images(self.case.images, self._limits)
            source = images.checked_volume()
            require_other_series(self._identity(), self.case.about.prior)
            volume, reorientation = canonicalise(source)
            self.description = images.describe(volume, self.segmenter.label_map_sha256)
        self.evidence = GateEvidence(volume, self.segmenter.input_reference, rules=rules)
        with self._stage("check"):
            image = examine_image(volume, self.segmenter.image_reference or DEFAULT_IMAGE_REFERENCE)
            self.evidence = replace(self.evidence, image=image)
            self._pass(check_input(volume, self.segmenter.input_reference, image.limits) + image.gates)
        with self._stage("segment"):
            segmentation = self.segmenter.segment(volume, self.monitor, rules)
        with self._stage("measure"):
            midline = fit_midline(volume, segmentation)
            whole = assess_stations(segmentation, midline, rules, self.segmenter.station_reference)
            seen = without_unseen(whole, segmentation, midline, image.unseen)
            assessed = within_field_of_view(seen, self.gates)
            measured = find_nodes(
                volume,
                segmentation,
                midline,
                rules,
                tracking_seed=self._tracking_seed(),
                demonstration=self._demonstration,
            )
            self.evidence = replace(
                self.evidence, segmentation=segmentation, midline=midline, assessed=assessed, measured=measured
            )
            self._pass(check_segmentation(segmentation, measured, assessed, midline, rules))
        findings = decide(
            software_version=__version__,
            case=self._identity(),
            context=self.case.about.context,
            measured=measured,
            assessed=assessed,
            gates=self.gates,
            rules=rules,
            warnings=self.segmenter.warnings + self._reading_warnings + self._restaging_warnings,
            demonstration=self._demonstration,
            input_description=self.description,
            model=self.segmenter.describe(),
            timings_s=self.timings_s,
            analysed_at=self.created.isoformat(),
        )
        reasons = reasons_without_verdict(self.gates, image, seen, whole)
        findings = withhold_verdict(findings, reasons, doubtful_nodes(measured, image.unseen))
        if self.case.about.prior is not None:
            findings = with_comparison(findings, self.case.about.prior)
        with self._stage("write"):
            regions = CaseRegions(volume, segmentation.labels, measured.instances, midline, reorientation)
            written = self._write(findings, regions)
        return CaseResult(
            written.findings,
            written.artefacts,
            instances=source.with_voxels(reorientation.invert(measured.instances.voxels)),
            labels=source.with_voxels(reorientation.invert(segmentation.labels.voxels)),
            regions=regions,
            lost=written.lost,
        )

    def refuse(self, refusal: CaseRefused) -> CaseResult:
        """Return the findings of a refused case, with whatever was known when it was refused."""
        self.refused_headers, self.reasons = refusal.headers, refusal.reasons
        findings = describe_refusal(
            refusal.reasons,
            software_version=__version__,
            case=self._identity(),
            context=self.case.about.context,
            input_description=self.description,
            model=self.segmenter.describe(),
            rules=self.rules,
            gates=self.gates,
            warnings=self._reading_warnings,
            timings_s=self.timings_s,
            analysed_at=self.created.isoformat(),
        )
        written = self._write(findings, None)
        return CaseResult(written.findings, written.artefacts, lost=written.lost)

    def _write(self, findings: Findings, regions: CaseRegions | None) -> WrittenCase:
        """Return the files of the case; DICOM objects speak of a model, so a label map gives none."""
        by_model = findings.model is not None
        with without_library_warnings():
            return write_artefacts(
                findings,
                regions,
                series=self.images.series if self.images and by_model else None,
                created=self.created,
                refused_headers=self.refused_headers if by_model else (),
                gate_images=self._gate_pictures,
                settings=self.settings.results,
                earlier=self.case.about.earlier_report,
            )

    def _gate_pictures(self) -> tuple[GatePicture, ...]:
        """Return a picture for every gate that warned or refused, and for every reason that is no gate's."""
        checked = {gate.code for gate in self.gates}
        others = [reason for reason in self.reasons if str(reason.code) not in checked]
        headers = self.refused_headers or (self.images.headers if self.images else ())
        of_gates = gate_pictures(self.gates, self.evidence) if self.evidence else ()
        return (*of_gates, *refusal_pictures(others, headers, self._limits))

    @property
    def _limits(self) -> ReadingLimits:
        return replace(DEFAULT_LIMITS, filtered_images=self.settings.filtered_images)

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

    def _identity(self) -> CaseIdentity:
        study, series, frame = self.images.uids if self.images else (None, None, None)
        salt, about = self.settings.pseudonym_salt, self.case.about
        case_id = about.case_id or pseudonym(salt, study, series, *self._told_apart_by)
        return CaseIdentity(case_id, study, series, frame)

    @property
    def _told_apart_by(self) -> tuple[str, ...]:
        """Return what tells apart the cases without a series: bare voxels, and those refused while they were read."""
        if self.images is not None:
            return () if self.images.series else (self.images.voxel_digest,)
        uids = {str(header.get("SOPInstanceUID", "")) for header in self.refused_headers} - {""}
        return tuple(sorted(uids)) or (self.created.isoformat(),)

    def _tracking_seed(self) -> str:
        identity = self._identity()
        model = self.segmenter.describe()
        made_by = model.bundle_digest if model else f"label map {self.segmenter.label_map_sha256}"
        return "|".join([identity.series_instance_uid or identity.case_id, made_by, __version__])
