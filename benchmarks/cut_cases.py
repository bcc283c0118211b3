"""Series that lost slices or columns: what is answered when a positive node lies beyond what is seen."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from sidewall.vocabulary import CaseStatus

from core.judging.assessing import StationProfile, assess_profile, profile_stations, within_field_of_view
from core.judging.deciding import case_status
from core.judging.gates import check_input, refusal_reasons
from core.judging.station_reference import StationReference
from core.labels import REGIONAL_STATIONS, STATION_LABELS
from core.measuring.components import Box, edge_voxels
from core.measuring.midline import Midline
from core.reading.limits import DEFAULT_LIMITS
from core.rules import ScoringRules
from core.volume import Volume, canonicalise
from export.references import midline_of_labels
from phantom.case import LabelledCase, PhantomCase, PhantomOptions, generate_case, label_case, plan_case
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import BareVolume
from runtime.analysis.pipeline import analyze_case
from runtime.inference.model import LoadedModel

_RULES = ScoringRules()
COARSENED: Final = 3
"""How many times as wide as acquired the pixels of the true label maps are: slices, which are cut, stay as they are."""

_FEWEST_SLICES: Final = 15
"""Shorter cuts are far from being enough: a model's time is for those that could be taken for whole."""

_THINNED: Final = (2, 3)
"""Every second and every third slice: beyond, all are refused as too coarse."""


@dataclass(frozen=True)
class TruthCase:
    """What is answered to one phantom and to all its cuts, by its true label map."""

    seed: int
    positive: bool
    whole: bool
    """Whether every regional station ends within the slices, at both ends."""

    whole_below: bool
    """Whether every regional station ends above the lowest slice."""

    truncated: bool
    """Whether the slices were planned to miss one end of the pelvis."""

    enough: bool
    """Whether the whole series could be answered `negative` if its positive nodes were not there: those at its edge
    do not count, as a `negative` that they cost was none to lose."""

    cuts: int
    hiding: int
    """Cuts beyond which a positive node lies, wholly or in part, and no positive node is seen whole."""

    false_negatives: tuple[str, ...]
    """Such cuts that are answered `negative`."""

    inguinal_alone: bool
    """Whether every positive node lies below both obturator stations: in the inguinal region, which is no lateral
    compartment (its nodes count as metastases, M), though the external iliac label of the study goes on into it."""


@dataclass(frozen=True)
class ModelCut:
    """What a model's findings say of one cut of a phantom that hides its positive nodes."""

    cut: str
    status: CaseStatus
    incompletely_seen: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ModelCase:
    """What a model's findings say of the hardest cuts of one phantom."""

    seed: int
    cuts: tuple[ModelCut, ...]


@dataclass(frozen=True, eq=False)
class _Truth:
    """A true label map, canonical, with its nodes."""

    labels: Volume
    node_ids: Volume
    positive: tuple[int, ...]
    """Ids of the positive nodes."""

    @classmethod
    def of(cls, case: LabelledCase | PhantomCase) -> "_Truth":
        positive = tuple(node.id for node in case.nodes if node.status == "positive")
        return cls(canonicalise(case.labels)[0], canonicalise(case.node_ids)[0], positive)

    def cut(self, box: Box) -> "_Truth":
        """Return a part of it."""
        return replace(self, labels=crop(self.labels, box), node_ids=crop(self.node_ids, box))

    @property
    def inguinal_alone(self) -> bool:
        """Whether there are positive nodes and all of them lie below the lowest slice of either obturator station."""
        obturator = next(value for value, station in STATION_LABELS.items() if station == "obturator")
        stations = np.flatnonzero((self.labels.voxels == obturator).any(axis=(1, 2)))
        nodes = np.flatnonzero(np.isin(self.node_ids.voxels, self.positive).any(axis=(1, 2)))
        return bool(stations.size and nodes.size and nodes[-1] < stations[0])

    def thinned(self, step: int) -> "_Truth":
        """Return every `step`-th slice of it."""
        return replace(self, labels=_thin(self.labels, step), node_ids=_thin(self.node_ids, step))


def crop(volume: Volume, box: Box) -> Volume:
    """Return a part of a volume, with its place in the patient."""
    x, y, z = volume.index_to_lps_mm([part.start for part in box])
    voxels = np.ascontiguousarray(volume.voxels[box])
    return Volume(voxels, volume.spacing_mm, (float(x), float(y), float(z)), volume.direction)


def _thin(volume: Volume, step: int) -> Volume:
    z, y, x = volume.spacing_mm
    voxels = np.ascontiguousarray(volume.voxels[::step])
    return Volume(voxels, (z * step, y, x), volume.origin_lps_mm, volume.direction)


def slice_cuts(count: int) -> Iterator[tuple[str, slice]]:
    """Yield name and slices of every series of the k lowest and of the k highest slices that can be read."""
    for kept in range(DEFAULT_LIMITS.min_slices, count):
        yield f"{kept} lowest of {count}", slice(0, kept)
        yield f"{kept} highest of {count}", slice(count - kept, count)


def halves(shape: tuple[int, int, int]) -> Iterator[tuple[str, Box]]:
    """Yield name and box of the two halves of the columns; canonical columns run to the patient's left."""
    z, y, x = shape
    yield "right half", (slice(0, z), slice(0, y), slice(0, x // 2))
    yield "left half", (slice(0, z), slice(0, y), slice(x // 2, x))


def cut_truth(
    seed: int,
    reference: StationReference | None = None,
    options: PhantomOptions | None = None,
    *,
    with_cuts: bool = True,
) -> TruthCase:
    """Answer a phantom, and all its cuts if wanted, by its true label map; `reference` None takes the default."""
    options = options or PhantomOptions()
    truth = _Truth.of(label_case(seed, options=options, coarsened=COARSENED))
    midline = midline_of_labels(truth.labels)
    profiles = profile_stations(truth.labels, midline)
    regional = [each for each in profiles if each.station in REGIONAL_STATIONS]
    answers = (
        [*_answers_of_slices(truth, profiles, reference), *_answers_of_parts(truth, midline, reference)]
        if with_cuts
        else []
    )
    hiding = [(name, status) for name, status, hides in answers if hides]
    return TruthCase(
        seed=seed,
        positive=bool(truth.positive),
        whole=all(each.whole for each in regional),
        whole_below=all(each.slices_mm3.any() and not each.slices_mm3[0] for each in regional),
        truncated=plan_case(seed, options=options).acquisition.truncated,
        enough=_status(truth.labels, profiles, reference, at_edge=_at_edge(truth, but=truth.positive)) == "negative",
        cuts=len(answers),
        hiding=len(hiding),
        false_negatives=tuple(name for name, status in hiding if status == "negative"),
        inguinal_alone=truth.inguinal_alone,
    )


def _answers_of_slices(
    truth: _Truth, profiles: tuple[StationProfile, ...], reference: StationReference | None
) -> Iterator[tuple[str, CaseStatus, bool]]:
    """Yield name, status without positive nodes, and whether positive nodes hide, of every cut along the body.

    A cut leaves each station's slices as they are, so that the label map is measured once.
    """
    depth = truth.labels.shape[0]
    nodes = _NodeSlices.of(truth.node_ids)
    for name, kept in slice_cuts(depth):
        seen = tuple(replace(each, slices_mm3=each.slices_mm3[kept]) for each in profiles)
        at_edge, whole = nodes.seen_in(kept)
        grid = replace(truth.labels, voxels=truth.labels.voxels[kept])
        hides = bool(truth.positive) and not whole & set(truth.positive)
        yield name, _status(grid, seen, reference, at_edge=at_edge), hides


@dataclass(frozen=True, eq=False)
class _NodeSlices:
    """Which slices show which node, and which nodes reach the side of the field of view."""

    shown: npt.NDArray[np.bool_]
    """(slice, node id)."""

    at_side: frozenset[int]

    @classmethod
    def of(cls, node_ids: Volume) -> "_NodeSlices":
        voxels = node_ids.voxels
        count = int(voxels.max()) + 1
        shown = np.zeros((voxels.shape[0], count), dtype=np.bool_)
        for index, plane in enumerate(voxels):
            shown[index, np.unique(plane)] = True
        sides = np.concatenate([voxels[:, :, [0, -1]].ravel(), voxels[:, [0, -1]].ravel()])
        return cls(shown, frozenset(np.unique(sides).tolist()) - {0})

    def seen_in(self, kept: slice) -> tuple[bool, set[int]]:
        """Return whether a node is at the edge of the kept slices, and the ids of those that are seen whole."""
        shown = self.shown[kept]
        ids = set(np.flatnonzero(shown.any(axis=0)).tolist()) - {0}
        cut = ids & (set(np.flatnonzero(shown[0] | shown[-1]).tolist()) | self.at_side)
        return bool(cut), ids - cut


def _answers_of_parts(
    truth: _Truth, midline: Midline, reference: StationReference | None
) -> Iterator[tuple[str, CaseStatus, bool]]:
    """Yield the same of the halves, with the true midline and with one through what is left, and of thinned series."""
    parts = [(name, truth.cut(box)) for name, box in halves(truth.labels.shape)]
    for name, part in parts:
        for whose, plane in (("the true midline", midline), ("a midline of its own", midline_of_labels(part.labels))):
            profiles = profile_stations(part.labels, plane)
            status = _status(part.labels, profiles, reference, at_edge=_at_edge(part))
            yield f"{name} with {whose}", status, _hides(truth, part)
    for step in _THINNED:
        part = truth.thinned(step)
        profiles = profile_stations(part.labels, midline)
        yield (
            f"slice 1 of {step}",
            _status(part.labels, profiles, reference, at_edge=_at_edge(part)),
            _hides(truth, part),
        )


def _status(
    labels: Volume, profiles: tuple[StationProfile, ...], reference: StationReference | None, *, at_edge: bool
) -> CaseStatus:
    """Return the status of a series in which no positive node is seen whole."""
    gates = check_input(_as_acquired(labels), None)
    if refusal_reasons(gates):
        return "refused"
    assessed = tuple(assess_profile(each, _RULES, reference, midline_trusted=True) for each in profiles)
    return case_status((), within_field_of_view(assessed, gates), demonstration=False, at_edge=at_edge)


def _as_acquired(labels: Volume) -> Volume:
    """Return an empty volume of the size and resolution that the coarsened label map stands for."""
    (depth, height, width), (z, y, x) = labels.shape, labels.spacing_mm
    shape, spacing_mm = (depth, height * COARSENED, width * COARSENED), (z, y / COARSENED, x / COARSENED)
    voxels = np.broadcast_to(np.zeros(1, dtype=np.uint8), shape)
    return Volume(voxels, spacing_mm, labels.origin_lps_mm, labels.direction)


def _at_edge(part: _Truth, but: Collection[int] = ()) -> bool:
    """Return whether a node reaches the edge, `but` those of these ids."""
    found = np.unique(part.node_ids.voxels[edge_voxels(part.node_ids.shape)])
    return bool(set(found.tolist()) - {0, *but})


def _hides(whole: _Truth, part: _Truth) -> bool:
    """Return whether the patient has positive nodes and none of them is seen whole, off the edge."""
    if not whole.positive:
        return False
    edge = edge_voxels(part.node_ids.shape)
    cut = set(np.unique(part.node_ids.voxels[edge]).tolist())
    seen = set(np.unique(part.node_ids.voxels).tolist())
    return not any(node in seen and node not in cut for node in whole.positive)


def hardest_cuts(case: LabelledCase | PhantomCase) -> Iterator[tuple[str, Box]]:
    """Yield the longest series from either end that shows no positive node whole; none of fewer than 15 slices."""
    truth = _Truth.of(case)
    depth, height, width = truth.labels.shape
    inside = np.isin(truth.node_ids.voxels, truth.positive)
    slices = np.flatnonzero(inside.any(axis=(1, 2)))
    if not slices.size:
        return
    for name, kept in (("lowest", slice(0, int(slices[0]))), ("highest", slice(int(slices[-1]) + 1, depth))):
        if kept.stop - kept.start >= _FEWEST_SLICES:
            yield f"{kept.stop - kept.start} {name} of {depth}", (kept, slice(0, height), slice(0, width))


def cut_by_model(model: LoadedModel, seed: int) -> ModelCase:
    """Analyse the hardest cuts of a phantom with a model."""
    case = generate_case(seed)
    image = canonicalise(case.image)[0]
    cuts = []
    for name, box in hardest_cuts(case):
        findings = analyze_case(
            CaseInput(BareVolume(crop(image, box), is_phantom=True), AboutCase(f"{seed} {name}")), model
        ).findings
        reasons = tuple(sorted({each.reason for each in findings.assessed if each.reason}))
        cuts.append(ModelCut(name, findings.status, bool(findings.incompletely_seen), reasons))
    return ModelCase(seed, tuple(cuts))
