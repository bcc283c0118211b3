"""What so few cases can show, told before anything of them is read."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from base.errors import SettingInvalid
from training.intake.case_table import TableRow, read_case_table
from training.intake.pairing import label_maps
from training.intake.study import StudyFiles
from training.splits import FOLDS
from training.usability import Floors

_Z: float = 1.959964
"""Of a 95 % interval."""

_FEW_PER_FOLD: int = 10
"""Validation cases of a fold below which its own figures say nearly nothing."""


def table_words(path: Path, held_out: Sequence[str]) -> list[str]:
    """Return in words what a table's number of cases can show; raises `SettingInvalid` when no folds can be dealt.

    Rejected cases make them fewer still. A row without a patient counts as a patient of its own here.
    """
    rows = [row for row in read_case_table(path) if _trains(row, held_out)]
    patients = Counter(row.patient or f"case {row.case}" for row in rows)
    if len(patients) < FOLDS:
        kept = " once the hospitals of --hold-out and the rows that say test are taken away" if held_out else ""
        allowed = f"at least {FOLDS} patients, one per fold"
        raise SettingInvalid("cases", f"{len(rows)} cases of {len(patients)} patients to train on{kept}", allowed)
    return words_of(len(rows), len(patients))


def folder_words(setting: str, cases: int) -> list[str]:
    """Return in words what a folder's or a range's number of cases can show, each counted as a patient of its own.

    Raises `SettingInvalid`, which names the setting, when no folds can be dealt. A number of 0 is for others to tell.
    """
    if 0 < cases < FOLDS:
        raise SettingInvalid(setting, f"{cases} cases to train on", f"at least {FOLDS} patients, one per fold")
    return words_of(cases, cases) if cases else []


def count_masks(files: StudyFiles) -> int:
    """Return how many label maps a study brings, also those among its images; no voxel is read."""
    return len(label_maps(files.index, files.masks_folder))


def words_of(cases: int, patients: int) -> list[str]:
    """Return in words what a number of cases can show; empty where it is enough for what is looked at."""
    floor = Floors().cases
    if cases >= max(floor, _FEW_PER_FOLD * FOLDS):
        return []
    folds = ", ".join(str(patients // FOLDS + (fold < patients % FOLDS)) for fold in range(FOLDS))
    low, high = wilson(0.8, cases)
    lines = [
        f"{cases} cases of {patients} patients to train on: the folds validate on {folds} patients",
        f"a share of 0.80 measured on {cases} cases has a 95 % interval of {low:.2f} to {high:.2f}",
    ]
    if cases < floor:
        lines.append(f"fewer than {floor} cases: no evaluation of them is usable, and a bundle needs --unproven")
    return lines


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` (Wilson, J Am Stat Assoc 1927;22:209)."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return middle - half, middle + half


def _trains(row: TableRow, held_out: Sequence[str]) -> bool:
    return row.split != "test" and row.hospital not in held_out
