"""Cases dealt to folds: whole patients, each fold with its share of every hospital and node status.

The study has five folds 80:20 over three hospitals (Qiao et al., Front Oncol 2025;15:1681939). A patient with two cases
stays in one fold, or the validation would see what the training saw.
"""

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from nnunetv2.utilities.crossval_split import generate_crossval_split
from sklearn.model_selection import StratifiedGroupKFold

from base.errors import SettingInvalid

FOLDS: Final = 5

SEED: Final = 12345
"""nnU-Net's own seed of its splits."""

Split = dict[str, list[str]]
"""nnU-Net's form: the names of the cases under `train` and `val`."""

NodeStatus = Literal["positive", "negative", "no_nodes", "not_told"]
"""Positive with any positive node, negative with others alone."""

_SEVEREST_FIRST: Final[tuple[NodeStatus, ...]] = ("positive", "negative", "no_nodes", "not_told")


@dataclass(frozen=True)
class SplitCase:
    """What the folds know of a case."""

    name: str

    patient: str
    """Cases with the same word are of one patient; a pseudonym."""

    hospital: str
    node_status: NodeStatus


def split_cases(cases: Sequence[SplitCase], warm_start_cases: int) -> tuple[list[Split], Split]:
    """Deal the cases to the folds; returns the folds' splits and the shared run's split.

    The shared run trains on cases that stand in no fold's validation set, so that every case's out-of-fold prediction
    is honest although all folds start from the shared run. Those cases train every fold too; whole patients are taken
    until there are `warm_start_cases`. Without shared cases the shared split is empty. The order of the cases does not
    matter. Raises `SettingInvalid` when fewer than one patient per fold is left.
    """
    patients = by_patient(cases)
    order = np.random.default_rng(SEED).permutation(len(patients))
    shared: list[SplitCase] = []
    held_out: list[list[SplitCase]] = []
    for index in order:
        if len(shared) < warm_start_cases:
            shared += patients[index]
        else:
            held_out.append(patients[index])
    _check_enough(cases, patients, held_out, warm_start_cases)
    dealt = _deal(sorted(held_out, key=lambda patient: patient[0].name))
    return as_splits([set(split["val"]) for split in dealt], [case.name for case in shared])


def as_splits(validated: Sequence[Collection[str]], shared: Sequence[str]) -> tuple[list[Split], Split]:
    """Return the folds and the shared run's split from the cases that each fold validates and those of the shared run.

    Each fold trains on all that it does not validate; an eighth of the shared cases watch the shared run.
    """
    names = sorted(shared)
    everyone = sorted([*names, *(name for fold in validated for name in fold)])
    folds = [{"train": [name for name in everyone if name not in fold], "val": sorted(fold)} for fold in validated]
    watched = max(1, len(names) // 8)
    return folds, {"train": names[watched:], "val": names[:watched]} if names else {"train": [], "val": []}


def balance_table(cases: Sequence[SplitCase], folds: Sequence[Split]) -> str:
    """Return how many validation cases of each hospital and node status stand in each fold, as a Markdown table."""
    rows = balance(cases, folds)
    head = ["hospital", "node status", *(f"fold {fold}" for fold in range(len(folds)))]
    lines = [" | ".join(head), " | ".join(["---"] * 2 + ["--:"] * len(folds))]
    lines += [" | ".join([hospital, status.replace("_", " "), *map(str, counts)]) for hospital, status, counts in rows]
    totals = [len(split["val"]) for split in folds]
    patient_of = {case.name: case.patient for case in cases}
    patients = [len({patient_of[name] for name in split["val"]}) for split in folds]
    lines += [" | ".join(["all", "cases", *map(str, totals)]), " | ".join(["all", "patients", *map(str, patients)])]
    return "".join(f"| {line} |\n" for line in lines)


def balance(cases: Sequence[SplitCase], folds: Sequence[Split]) -> list[tuple[str, NodeStatus, list[int]]]:
    """Return (hospital, node status, validation cases in each fold), in order; shared cases are left out."""
    by_name = {case.name: case for case in cases}
    counts = [Counter((by_name[name].hospital, by_name[name].node_status) for name in split["val"]) for split in folds]
    strata = sorted(set().union(*counts), key=lambda key: (key[0], _SEVEREST_FIRST.index(key[1])))
    return [(hospital, status, [count[hospital, status] for count in counts]) for hospital, status in strata]


def by_patient(cases: Iterable[SplitCase]) -> list[list[SplitCase]]:
    """Return the cases of each patient, in the order of each patient's first name."""
    found: dict[str, list[SplitCase]] = {}
    for case in sorted(cases, key=lambda case: case.name):
        found.setdefault(case.patient, []).append(case)
    return list(found.values())


def _check_enough(
    cases: Sequence[SplitCase], patients: Sequence[object], held_out: Sequence[object], warm_start_cases: int
) -> None:
    if len(patients) < FOLDS:
        got = f"{len(cases)} cases of {len(patients)} patients"
        hint = "one PatientID for all of them looks like a de-identified export, and needs a table with patients"
        raise SettingInvalid("cases", got, f"at least {FOLDS} patients, one per fold ({hint})")
    if len(held_out) < FOLDS:
        allowed = f"at most the number of cases ({len(cases)}) less {FOLDS}"
        raise SettingInvalid("warm_start_cases", warm_start_cases, f"{allowed}, counted in whole patients")


def _deal(patients: Sequence[Sequence[SplitCase]]) -> Iterator[Split]:
    """Yield the folds; where there is nothing to keep together and nothing to balance, nnU-Net's own."""
    names = [case.name for patient in patients for case in patient]
    groups = [index for index, patient in enumerate(patients) for _ in patient]
    of_patient = kinds_of(patients)
    kinds = [of_patient[index] for index in groups]
    if len(set(kinds)) == 1 and len(names) == len(patients):
        for split in generate_crossval_split(names, seed=SEED, n_splits=FOLDS):
            yield {part: [str(name) for name in split[part]] for part in ("train", "val")}
        return
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    with warnings.catch_warnings():
        # A hospital with fewer patients than folds is no fault: it cannot be in every fold.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for train, val in folds.split(names, kinds, groups):
            yield {"train": [names[index] for index in train], "val": [names[index] for index in val]}


def kinds_of(patients: Sequence[Sequence[SplitCase]]) -> list[str]:
    """Return what each patient is balanced by: hospital and severest status, or less where no kind fills the folds."""
    statuses: list[str] = [
        min((case.node_status for case in patient), key=_SEVEREST_FIRST.index) for patient in patients
    ]
    by_both = [f"{patient[0].hospital}/{status}" for patient, status in zip(patients, statuses, strict=True)]
    return next((kinds for kinds in (by_both, statuses) if max(Counter(kinds).values()) >= FOLDS), [""] * len(patients))
