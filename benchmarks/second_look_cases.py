"""Phantoms looked at twice, by exact label maps: which nodes are known again, on which side, and how they changed."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from base import __version__
from core.findings import CaseIdentity, Findings, PriorNode
from core.judging.assessing import assess_stations
from core.judging.comparing import with_comparison
from core.judging.deciding import Circumstances, decide
from core.labelmaps import segmentation_of
from core.measuring.midline import fit_midline
from core.measuring.nodes import find_nodes
from core.rules import ScoringRules
from core.volume import Volume, canonicalise
from phantom.case import LabelledCase, PhantomOptions, TrueNode, plan_case
from phantom.follow_up import SecondLook, label_follow_up
from phantom.hospitals import HOSPITALS

Kind = Literal["unchanged", "grown", "shrunk", "gone", "new"]

NODES: Final = 6
"""Of every patient, over both studies."""

LARGEST_SHIFT_MM: Final = 40.0
LARGEST_TURN_DEG: Final = 10.0
_SAME_SCANNER: Final = 0.3
_SHARES: Final[dict[Kind, float]] = {"unchanged": 0.4, "grown": 0.2, "shrunk": 0.16, "gone": 0.12, "new": 0.12}
_FACTORS: Final[dict[Kind, tuple[float, float]]] = {"grown": (1.15, 1.5), "shrunk": (0.65, 0.87)}
_RULES: Final = ScoringRules()


@dataclass(frozen=True)
class LookedAt:
    """One node of a patient who was looked at twice."""

    kind: Kind
    in_both: bool
    """Whether the label maps of both studies show it, as a node of its own."""

    known_again: bool
    """Whether it is taken for itself."""

    certain: bool
    """Whether that is said to be certain."""

    mistaken: bool
    """Whether it is taken for another node."""

    sides_right: bool
    """Whether it has its own side wherever it is seen."""

    then_mm: float | None
    """Short axis measured then, and so now; None where it is not seen."""

    now_mm: float | None
    true_then_mm: float | None
    """Short axis of its form over the planes of the study; None where no plane cuts it."""

    true_now_mm: float | None
    then_mm3: float | None
    now_mm3: float | None

    @property
    def change_mm(self) -> float | None:
        """Short axis measured now less then."""
        return None if self.now_mm is None or self.then_mm is None else self.now_mm - self.then_mm

    @property
    def error_mm(self) -> float | None:
        """Measured change less the true one."""
        if self.change_mm is None or self.true_now_mm is None or self.true_then_mm is None:
            return None
        return self.change_mm - (self.true_now_mm - self.true_then_mm)


@dataclass(frozen=True)
class Pair:
    """What came of one patient."""

    seed: int
    other_hospital: bool
    shift_mm: float
    turn_deg: float
    compared: bool
    """Whether the studies were laid on each other."""

    nodes: tuple[LookedAt, ...]


def draw_second_look(seed: int) -> tuple[PhantomOptions, SecondLook, dict[int, Kind]]:
    """Return a patient, what differs the second time, and what becomes of each node."""
    rng = np.random.default_rng([97, seed])
    options = PhantomOptions(node_count=NODES, truncated=False)
    ids = [node.id for node in plan_case(seed, options=options).nodes]
    drawn = rng.choice(len(_SHARES), size=len(ids), p=list(_SHARES.values()))
    kinds = {number: list(_SHARES)[int(each)] for number, each in zip(ids, drawn, strict=True)}
    growth = {number: float(rng.uniform(*_FACTORS.get(kind, (1.0, 1.0)))) for number, kind in kinds.items()}
    growth |= {number: 0.0 for number, kind in kinds.items() if kind == "gone"}
    direction = rng.normal(size=3)
    shift = direction / np.linalg.norm(direction) * LARGEST_SHIFT_MM * rng.random() ** (1 / 3)
    hospital = None if rng.random() < _SAME_SCANNER else rng.choice(list(HOSPITALS))
    second = SecondLook(
        shift_lps_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        turn_deg=float(rng.uniform(-LARGEST_TURN_DEG, LARGEST_TURN_DEG)),
        hospital=hospital,
        scanner_seed=11,
        growth=growth,
        new=frozenset(number for number, kind in kinds.items() if kind == "new"),
    )
    return options, second, kinds


def look_twice(seed: int, finer: int = 1) -> Pair:
    """Return what the findings of both studies say of a patient's nodes, the second with the first as earlier study.

    `finer` divides the pixels of both: what is left of an error then was one of the measuring, and not of the voxels.
    """
    options, second, _ = draw_second_look(seed)
    before, after = label_follow_up(seed, options, second, finer)
    return compare(seed, Study.of(*before, "then"), Study.of(*after, "now"))


def compare(seed: int, then: "Study", now: "Study") -> Pair:
    """Return what the findings of both studies of a patient say, the second with the first as earlier study."""
    _, second, kinds = draw_second_look(seed)
    compared = with_comparison(now.findings, then.findings)
    priors = {now.true_id[node.id]: node.prior for node in compared.nodes if node.id in now.true_id}
    return Pair(
        seed=seed,
        other_hospital=second.hospital is not None,
        shift_mm=float(np.linalg.norm(second.shift_lps_mm)),
        turn_deg=second.turn_deg,
        compared=compared.comparison is not None,
        nodes=tuple(_looked_at(number, kind, then, now, priors.get(number)) for number, kind in kinds.items()),
    )


@dataclass(frozen=True, eq=False)
class Study:
    """One study's truth, its findings, and which found node is which true one."""

    truth: tuple[TrueNode, ...]
    findings: Findings
    true_id: dict[int, int]
    """Found id -> true id, of found nodes that are one true node each."""

    @classmethod
    def of(cls, case: LabelledCase, body: Volume, name: str) -> "Study":
        """Return the findings of a label map, as `sidewall score` comes to them."""
        labels, node_ids, image = (canonicalise(each)[0] for each in (case.labels, case.node_ids, body))
        segmentation = segmentation_of(labels, judged=True)
        midline = fit_midline(image, segmentation)
        assessed = assess_stations(segmentation, midline, _RULES, None)
        measured = find_nodes(
            image, segmentation, midline, _RULES, tracking_seed=f"{name} {case.seed}", demonstration=False
        )
        about = Circumstances(__version__, CaseIdentity(name, None, None, None), rules=_RULES)
        findings = decide(about, measured, assessed, (), warnings=(), demonstration=False, timings_s={})
        true_id = {}
        for node in measured.nodes:
            under = Counter(node_ids.voxels[measured.instances.voxels == node.id].tolist())
            under.pop(0, None)
            if len(under) == 1:
                true_id[node.id] = next(iter(under))
        return cls(case.nodes, findings, {found: true for found, true in true_id.items() if _once(true, true_id)})

    def found(self, true_id: int) -> int | None:
        """Return the number of the found node that is a true one."""
        return next((found for found, true in self.true_id.items() if true == true_id), None)


def _once(true: int, true_id: dict[int, int]) -> bool:
    return list(true_id.values()).count(true) == 1


def _looked_at(number: int, kind: Kind, then: Study, now: Study, prior: PriorNode | None) -> LookedAt:
    seen = [
        None if (found := study.found(number)) is None else study.findings.nodes[found - 1] for study in (then, now)
    ]
    truth = [next((node for node in study.truth if node.id == number), None) for study in (then, now)]
    taken_for = None if prior is None else then.true_id.get(prior.id)
    in_both = seen[0] is not None and seen[1] is not None
    return LookedAt(
        kind=kind,
        in_both=in_both,
        known_again=taken_for == number,
        certain=prior is not None and prior.certain,
        mistaken=prior is not None and taken_for != number,
        sides_right=all(
            one is None or each is None or one.side == each.side for one, each in zip(seen, truth, strict=True)
        ),
        then_mm=None if seen[0] is None else seen[0].short_axis_mm,
        now_mm=None if seen[1] is None else seen[1].short_axis_mm,
        true_then_mm=None if truth[0] is None else truth[0].short_axis_mm,
        true_now_mm=None if truth[1] is None else truth[1].short_axis_mm,
        then_mm3=None if seen[0] is None else seen[0].volume_mm3,
        now_mm3=None if seen[1] is None else seen[1].volume_mm3,
    )
