"""What a case made for one gate is: a clean phantom, what was done to it, and the code that must come of it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from core.errors import CaseRefused, RefusalCode
from core.findings import Findings, GateOutcome
from core.labelmaps import ForeignLabels
from core.rules import ScoringRules
from core.volume import Volume
from phantom.case import PhantomCase, PhantomOptions, generate_case
from phantom.dicom_series import build_series, encode_instance, encode_series
from runtime.analysis.case import AboutCase, CaseInput, CaseResult, Segmenter
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.labelmaps import LabelMapSegmenter

CLEAN: Final = PhantomOptions(truncated=False, ghosts=False)
"""A clean phantom: slices from end to end of the pelvis, and no motion ghosts; all else is drawn from its seed."""

CLEAN_IN_WORDS: Final = (
    "slices from end to end of the pelvis and no motion ghosts; noise, coil shading, tilt, roll, position, sequence, "
    "nodes and look-alikes as drawn from the seed"
)

SEED: Final = 5000
"""The phantom that the cases are made from: of a range that is neither trained, tuned nor measured on."""


@dataclass(frozen=True, eq=False)
class Material:
    """What the cases are made from; never changed by them."""

    case: PhantomCase
    """A clean phantom with nodes."""

    model: Segmenter
    """Answers to the cases that are refused before anything is segmented."""

    @classmethod
    def of(cls, model: Segmenter | None = None, seed: int = SEED) -> "Material":
        """Return the material of a clean phantom with four nodes; without a model its true labels answer."""
        case = generate_case(seed, options=replace(CLEAN, node_count=4, patient_positive=True))
        return cls(case, true_labels(case) if model is None else model)

    def files(self) -> list[bytes]:
        """Return the instances as they are."""
        return [encode_instance(dataset) for dataset in self._series]

    def slices(self, **tags: Any) -> list[Dataset]:
        """Return the instances in slice order, with these attributes in every one of them; free to be changed."""
        copies = deepcopy(self._series)
        for dataset in copies:
            for keyword, value in tags.items():
                setattr(dataset, keyword, value)
        return copies

    def refused(self, datasets: list[Dataset]) -> "Trial":
        """Return the trial of instances that shall be refused."""
        return Trial(
            CaseInput(DicomSeries([encode_instance(dataset) for dataset in datasets]), AboutCase("made")), self.model
        )

    def with_labels(self, labels: npt.NDArray[Any]) -> "Trial":
        """Return the trial of the phantom as it is, segmented as these labels (z, y, x) say."""
        segmented = replace(self.case, labels=self.case.labels.with_voxels(labels))
        return Trial(CaseInput(DicomSeries(self.files()), AboutCase("made")), true_labels(segmented, self.model))

    def with_case(self, case: PhantomCase) -> "Trial":
        """Return the trial of a changed phantom, segmented as its own labels say."""
        return Trial(CaseInput(DicomSeries(encode_series(case)), AboutCase("made")), true_labels(case, self.model))

    @cached_property
    def _series(self) -> list[Dataset]:
        return build_series(self.case)


@dataclass(frozen=True, eq=False)
class Trial:
    """A case, and what segments it."""

    source: CaseInput
    segmenter: Segmenter

    def run(self) -> CaseResult:
        """Return what the appliance makes of it."""
        return analyze_case(self.source, self.segmenter)


@dataclass(frozen=True)
class GateCase:
    """A case made for one gate."""

    code: RefusalCode
    made_by: str
    """What was done, in words."""

    make: Callable[[Material], Trial]
    """Makes it; raises `CaseRefused` where the input never becomes a case (a label map, an upload)."""

    outcome: GateOutcome = "refuse"
    """What must come of it."""


@dataclass(frozen=True)
class Verdict:
    """What came of a case made for a gate."""

    code: str
    outcome: str
    made_by: str
    fired: bool
    others: tuple[str, ...]
    """Codes that fired along with it."""

    said: str
    """Message of the gate or reason; empty when it did not fire."""


def judge(case: GateCase, material: Material) -> Verdict:
    """Run a case and say whether its gate fired."""
    said = run_case(case, material)[1]
    own = [message for code, outcome, message in said if (code, outcome) == (case.code.value, case.outcome)]
    others = dict.fromkeys(code for code, _, _ in said if code != case.code.value)
    return Verdict(case.code.value, case.outcome, case.made_by, bool(own), tuple(others), own[0] if own else "")


def run_case(case: GateCase, material: Material) -> tuple[CaseResult | None, list[tuple[str, str, str]]]:
    """Return what became of a case (None when it never became one), and (code, outcome, message) of all that fired."""
    try:
        result = case.make(material).run()
    except CaseRefused as refusal:
        return None, [(reason.code.value, "refuse", reason.message) for reason in refusal.reasons]
    return result, fired(result.findings)


def fired(findings: Findings) -> list[tuple[str, str, str]]:
    """Return (code, outcome, message) of every reason of a refusal and every gate that warned."""
    reasons = [(reason.code, "refuse", reason.message) for reason in findings.refusal]
    return reasons + [(gate.code, "warn", gate.message) for gate in findings.gates if gate.outcome == "warn"]


def true_labels(case: PhantomCase, like: Segmenter | None = None) -> LabelMapSegmenter:
    """Return what answers with the true labels of a phantom, by the rules and the known images of another segmenter."""
    foreign = ForeignLabels(case.labels.with_voxels(case.labels.voxels.astype(np.uint16)), sha256="0" * 64)
    rules, reference = (ScoringRules(), None) if like is None else (like.rules, like.input_reference)
    return LabelMapSegmenter(foreign, given_rules=rules, input_reference=reference)


def on_grid(case: PhantomCase, change: Callable[[Volume], Volume]) -> PhantomCase:
    """Return a phantom whose image and maps are all changed alike: cropped, or given another spacing."""
    image, labels, node_ids, tissues = (change(each) for each in (case.image, case.labels, case.node_ids, case.tissues))
    acquisition = replace(case.acquisition, spacing_mm=image.spacing_mm)
    return replace(case, image=image, labels=labels, node_ids=node_ids, tissues=tissues, acquisition=acquisition)


def crop(volume: Volume, first: tuple[int, int, int], last: tuple[int, int, int]) -> Volume:
    """Return the voxels from `first` (z, y, x) up to and without `last`, where they lie in the patient."""
    x, y, z = (float(value) for value in volume.index_to_lps_mm(first))
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    return replace(volume, voxels=np.ascontiguousarray(volume.voxels[box]), origin_lps_mm=(x, y, z))
