"""The parity gate: every backend in every precision against the float32 reference, on the golden case and on others.

The reference is ONNX Runtime's CPU provider in the `exact` mode, which `benchmarks/parity.py` in turn holds to
nnU-Net's own predictor. A candidate beyond the tolerance of its precision is refused, and the figures say why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from core.errors import RefusalCode
from core.findings import Findings, ModelDescription
from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from export.agreement import NodeAgreement, compare_findings
from export.cases import read_image
from export.parity_limits import TOLERANCES, judge
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import BareVolume, DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.bundle.loading import Bundle
from runtime.bundle.manifest import MODES, HalfPrecision
from runtime.inference.backends.protocol import FoldOptions, Precision
from runtime.inference.backends.registry import make_backend
from runtime.inference.comparing import LabelAgreement, LogitError, compare_labels, compare_logits
from runtime.inference.engine_cache import EngineCache
from runtime.inference.errors import BackendUnavailable
from runtime.inference.model import LoadedModel, Mode, load_model, precision_of
from trust.errors import BundleRejected

REFERENCE: Final = "onnxruntime-cpu"
GOLDEN: Final = "golden"
Outcome = Literal["passed", "warned", "refused", "not run"]


@dataclass(frozen=True, eq=False)
class GateCase:
    """One case to compare on."""

    name: str
    source: CaseInput


@dataclass(frozen=True)
class Candidate:
    """What is compared: a backend as it runs in one mode, or a bundle's networks in a lesser precision."""

    backend: str
    mode: Mode
    precision: Precision
    variant: HalfPrecision | None = None
    """Networks that the backend would not take by itself, run on the reference backend to judge their weights."""

    @property
    def name(self) -> str:
        """Return the words for it in tables."""
        return f"{self.backend} ({self.variant} networks)" if self.variant else f"{self.backend} {self.mode}"


@dataclass(frozen=True)
class CaseVerdict:
    """One candidate on one case."""

    case: str
    candidate: str
    precision: Precision
    outcome: Outcome
    reasons: tuple[str, ...]
    """What lies beyond the tolerance, with figures; or why it did not run."""

    logits: LogitError | None = None
    labels: LabelAgreement | None = None
    findings: NodeAgreement | None = None
    nodes: int | None = None
    """That the reference found."""

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Answer:
    """What a model says of a case."""

    findings: Findings
    labels: npt.NDArray[np.uint8]
    logits: npt.NDArray[np.floating]


def gate_cases(bundle: Bundle, paths: Sequence[Path]) -> tuple[GateCase, ...]:
    """Return the golden case and those at `paths`: a NIfTI file, or DICOM as `sidewall analyze` takes it."""
    golden = CaseInput(BareVolume(bundle.golden_volume(), is_phantom=True), AboutCase(GOLDEN))
    return (GateCase(GOLDEN, golden), *(GateCase(path.name, _read_case(path)) for path in paths))


def candidates_of(bundle: Bundle, backends: Sequence[str]) -> tuple[Candidate, ...]:
    """Return each backend in each precision that the bundle is declared for, and its networks in lesser ones."""
    found = []
    for backend in backends:
        declared = bundle.manifest.modes or MODES
        fast = "fast" in declared and precision_of(backend, "fast") != "float32"
        modes: tuple[Mode, ...] = ("exact", "fast") if fast else ("exact",)
        found += [Candidate(backend, mode, precision_of(backend, mode)) for mode in modes]
    if REFERENCE in backends and "fast" in (bundle.manifest.modes or MODES):
        found += [Candidate(REFERENCE, "fast", variant, variant) for variant in sorted(bundle.manifest.variants)]
    return tuple(found)


def run_gate(
    bundle: Bundle,
    cases: Sequence[GateCase],
    candidates: Sequence[Candidate],
    *,
    threads: int | None = None,
    engines: EngineCache | None = None,
) -> Iterator[CaseVerdict]:
    """Yield the verdict on every candidate in every case; raises what the reference's own backend raises."""
    reference = load_model(bundle, REFERENCE, "exact", threads)
    wanted = [_answer(reference, case) for case in cases]
    for candidate in candidates:
        try:
            model = _load(bundle, candidate, threads, engines)
        except BackendUnavailable as error:
            # A network made for GPUs need not run on this CPU: that says nothing against it.
            outcome: Outcome = "not run" if candidate.variant else "refused"
            yield CaseVerdict("all", candidate.name, candidate.precision, outcome, (str(error),))
            continue
        for case, answer in zip(cases, wanted, strict=True):
            yield _compare(case, candidate, answer, model)


def _compare(case: GateCase, candidate: Candidate, wanted: _Answer, model: LoadedModel) -> CaseVerdict:
    try:
        got = _answer(model, case)
    except (BackendUnavailable, BundleRejected) as error:
        return CaseVerdict(case.name, candidate.name, candidate.precision, "refused", (str(error),))
    logits = compare_logits(got.logits, wanted.logits)
    labels = compare_labels(got.labels, wanted.labels)
    findings = compare_findings(wanted.findings, got.findings)
    of_images, of_findings = judge(TOLERANCES[candidate.precision], logits, labels, findings)
    outcome: Outcome = "passed"
    if of_findings or (of_images and _is_known(case, wanted.findings)):
        outcome = "refused"
    elif of_images:
        outcome = "warned"
    return CaseVerdict(
        case=case.name,
        candidate=candidate.name,
        precision=candidate.precision,
        outcome=outcome,
        reasons=(*of_images, *of_findings),
        logits=logits,
        labels=labels,
        findings=findings,
        nodes=len(wanted.findings.nodes),
    )


def _is_known(case: GateCase, findings: Findings) -> bool:
    """Return whether labels count: on the golden case, and on images like those that the model learnt from.

    Far from them a model wavers, and rounding decides voxels (`benchmarks/parity.py`); the findings count everywhere.
    """
    unlike = {gate.code for gate in findings.gates if gate.outcome != "pass"}
    return case.name == GOLDEN or str(RefusalCode.INPUT_STATISTICS) not in unlike


def _load(bundle: Bundle, candidate: Candidate, threads: int | None, engines: EngineCache | None) -> LoadedModel:
    if candidate.variant is None:
        return load_model(bundle, candidate.backend, candidate.mode, threads, engines)
    backend = make_backend(candidate.backend)
    options = FoldOptions(bundle.manifest.tiling.patch_size, threads or 0, candidate.precision)
    count = len(bundle.manifest.folds)
    folds = tuple(backend.load_fold(bundle.fold_bytes(index, candidate.variant), options) for index in range(count))
    return LoadedModel(bundle, backend.name, candidate.mode, candidate.precision, folds)


def _answer(model: LoadedModel, case: GateCase) -> _Answer:
    watched = _Watched(model)
    result = analyze_case(case.source, watched)
    if watched.seen is None:
        reasons = "; ".join(reason.message for reason in result.findings.refusal)
        raise BundleRejected(f"case {case.name} cannot be compared on: {reasons}")
    segmentation, logits = watched.seen
    return _Answer(result.findings, segmentation.labels.voxels, logits)


class _Watched:
    """A model that keeps its last answer, and is taken to know patients, so that statuses are there to compare."""

    knows_phantoms_only = False
    warnings: tuple[str, ...] = ()
    label_map_sha256 = None

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self.seen: tuple[Segmentation, npt.NDArray[np.floating]] | None = None

    @property
    def rules(self) -> ScoringRules:
        """The model's."""
        return self._model.rules

    @property
    def input_reference(self) -> InputReference | None:
        """The model's."""
        return self._model.input_reference

    @property
    def image_reference(self) -> ImageReference | None:
        """The model's."""
        return self._model.image_reference

    @property
    def station_reference(self) -> StationReference | None:
        """The model's."""
        return self._model.station_reference

    def describe(self) -> ModelDescription:
        """Return the model's description."""
        return self._model.describe()

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Segment and keep the answer."""
        segmentation, logits = self._model.segment_with_logits(volume, monitor, rules)
        self.seen = segmentation, logits.mean
        return segmentation


def _read_case(path: Path) -> CaseInput:
    if path.name.endswith((".nii", ".nii.gz")):
        return CaseInput(BareVolume(read_image(path)), AboutCase(path.name))
    return CaseInput(DicomSeries(path))
