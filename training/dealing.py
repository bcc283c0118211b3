"""Which fold validates each patient, remembered from one `prepare` to the next.

Folds that are dealt anew when a case is dropped would validate cases that the trained ones have learnt from. So every
patient keeps the fold that it got first, also while its cases are away, and only new patients are dealt.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import numpy as np

from base.errors import SettingInvalid
from training.splits import FOLDS, SEED, Split, SplitCase, as_splits, by_patient, kinds_of, split_cases
from training.workspace import Workspace, write_json

MEMORY_FILE: Final = "folds.json"
"""File beside splits_final.json that says where every patient belongs."""

SHARED: Final[Literal["shared"]] = "shared"
Place = int | Literal["shared"]
"""The fold that validates a patient, or the shared run, which no fold validates."""

_ANEW: Final = "or --deal-anew, after which every fold has to be trained anew"


@dataclass(frozen=True)
class Deal:
    """How the folds are dealt."""

    warm_start_cases: int = 0
    """Cases of the shared run, which no fold validates."""

    anew: bool = False
    """Whether it is forgotten where patients belonged."""


@dataclass(frozen=True)
class Memory:
    """Where patients belong."""

    warm_start_cases: int = 0
    """How many shared cases were asked for."""

    patients: Mapping[str, Place] = field(default_factory=dict)
    """By pseudonym."""

    cases: Mapping[str, Place] = field(default_factory=dict)
    """By name, for a patient whose pseudonym has changed."""

    def place_of(self, patient: Sequence[SplitCase]) -> Place | None:
        """Return where the cases of one patient belong; None for a new one."""
        known = self.patients.get(patient[0].patient)
        if known is not None:
            return known
        return next((self.cases[case.name] for case in patient if case.name in self.cases), None)

    def with_splits(self, cases: Sequence[SplitCase], folds: Sequence[Split], warm_start_cases: int) -> Self:
        """Return what is to be remembered after a deal; those who are away stay remembered."""
        place: dict[str, Place] = dict.fromkeys((case.name for case in cases), SHARED)
        for fold, split in enumerate(folds):
            place |= dict.fromkeys(split["val"], fold)
        patients = {case.patient: place[case.name] for case in cases}
        return type(self)(warm_start_cases, {**self.patients, **patients}, {**self.cases, **place})


def deal(workspace: Workspace, cases: Sequence[SplitCase], warm_start_cases: int, *, anew: bool) -> list[Split]:
    """Deal the cases to the folds, remember where they belong and return the folds and, as the last, the shared run.

    With `anew` nothing is remembered from before. Raises `SettingInvalid` when the patients do not fill the folds.
    """
    path = workspace.preprocessed / MEMORY_FILE
    memory = Memory() if anew else read_memory(workspace, cases)
    folds, shared = deal_by(memory, cases, warm_start_cases)
    write_json(path, vars(memory.with_splits(cases, folds, warm_start_cases)))
    return [*folds, shared]


def read_memory(workspace: Workspace, cases: Sequence[SplitCase]) -> Memory:
    """Return what is remembered: from folds.json, or from the folds of an earlier version; empty for a new dataset."""
    path, earlier = workspace.preprocessed / MEMORY_FILE, workspace.preprocessed / "splits_final.json"
    if path.is_file():
        return Memory(**workspace.read_json(path))
    if not earlier.is_file():
        return Memory()
    folds: list[Split] = workspace.read_json(earlier)
    validated = {name for split in folds for name in split["val"]}
    shared = {name for split in folds for name in split["train"]} - validated
    dealt = Memory().with_splits([], folds, 0).cases
    return Memory(len(shared), {}, {**dealt, **dict.fromkeys(shared, SHARED)})


def deal_by(memory: Memory, cases: Sequence[SplitCase], warm_start_cases: int) -> tuple[list[Split], Split]:
    """Return the folds and the shared run's split, every remembered patient where it belongs.

    New patients go to the shared run while that is short of cases, the others to the fold that has fewest of their
    hospital and node status. Raises `SettingInvalid` when a fold would validate on nobody, and when the shared run is
    asked for with another number of cases than before.
    """
    if not memory.cases:
        return split_cases(cases, warm_start_cases)
    if warm_start_cases != memory.warm_start_cases:
        allowed = f"{memory.warm_start_cases}, which the folds were dealt with, {_ANEW}"
        raise SettingInvalid("warm-start-cases", warm_start_cases, allowed)
    patients = by_patient(cases)
    places = [memory.place_of(patient) for patient in patients]
    dealt: dict[Place, set[str]] = {place: set() for place in (*range(FOLDS), SHARED)}
    for place, patient in zip(_place_new(patients, places, warm_start_cases), patients, strict=True):
        dealt[place] |= {case.name for case in patient}
    shared = dealt.pop(SHARED)
    empty = [fold for fold, names in dealt.items() if not names]
    if empty:
        raise SettingInvalid("cases", f"no case of the folds {empty}", f"cases for every fold, {_ANEW}")
    return as_splits(list(dealt.values()), sorted(shared))


def _place_new(
    patients: Sequence[Sequence[SplitCase]], remembered: Sequence[Place | None], warm_start_cases: int
) -> list[Place]:
    """Return where every patient belongs; the remembered stay."""
    kinds = kinds_of(patients)
    known = {index: place for index, place in enumerate(remembered) if place is not None}
    short = warm_start_cases - sum(len(patients[index]) for index, place in known.items() if place == SHARED)
    for index in np.random.default_rng(SEED).permutation(len(patients)).tolist():
        if index in known:
            continue
        if short > 0:
            known[index], short = SHARED, short - len(patients[index])
            continue
        alike = Counter(place for other, place in known.items() if kinds[other] == kinds[index])
        every = Counter(known.values())
        known[index] = min(range(FOLDS), key=lambda fold: (alike[fold], every[fold], fold))
    return [known[index] for index in range(len(patients))]
