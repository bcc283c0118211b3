"""Twenty-two faults planted into a good mask, each named by its code; the good mask, and careless ones, have none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, NODE_LABELS, NODE_NEGATIVE, OBTURATOR
from core.volume import Volume
from tests.fixtures.own_study import Patient, make_patient, write_mask
from training.intake.dicom_index import FoundSeries, index_dicom
from training.intake.label_table import LabelTable
from training.intake.pairing import PairedCase
from training.intake.records import CaseRecord
from training.intake.taking import Intake, take_case

Voxels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def patient() -> Patient:
    """Return a patient with nodes on both sides."""
    return make_patient(1)


@pytest.fixture(scope="module")
def series(patient: Patient, tmp_path_factory: pytest.TempPathFactory) -> tuple[FoundSeries, ...]:
    """Return the patient's images, as an export holds them."""
    folder = tmp_path_factory.mktemp("dicom")
    patient.write(folder)
    return index_dicom(folder).series


def _take(series: tuple[FoundSeries, ...], mask: Volume | None, folder: Path, accept: str = "") -> CaseRecord:
    if mask is not None:
        write_mask(mask, folder / "mask.nii.gz")
    case = PairedCase("case", folder / "mask.nii.gz", series, patient="", accept=frozenset(accept.split()))
    return take_case(case, Intake(folder / "raw", LabelTable(), "clinical", "salt"))


def _exchanged(voxels: Voxels, first: int, second: int) -> Voxels:
    table = np.arange(6, dtype=np.uint8)
    table[[first, second]] = second, first
    return table[voxels]


def _cleared(voxels: Voxels, where: npt.NDArray[np.bool_]) -> Voxels:
    return np.where(where, 0, voxels).astype(np.uint8)


def _some_slice(voxels: Voxels, value: int) -> int:
    """Return a slice in the middle of those that a station is drawn on."""
    drawn = np.flatnonzero((voxels == value).any(axis=(1, 2)))
    return int(drawn[len(drawn) // 2])


def _slice_of_one_station(voxels: Voxels) -> Voxels:
    z, changed = _some_slice(voxels, OBTURATOR), voxels.copy()
    left = changed[z, :, : voxels.shape[2] // 2]
    left[left == OBTURATOR] = 0
    return changed


def _slice_forgotten(voxels: Voxels) -> Voxels:
    changed = voxels.copy()
    changed[_some_slice(voxels, OBTURATOR)] = 0
    return changed


def _half_blank(voxels: Voxels) -> Voxels:
    changed = voxels.copy()
    changed[::2] = 0
    return changed


def _with_specks(voxels: Voxels) -> Voxels:
    changed = voxels.copy()
    z, y, x = np.argwhere(voxels == EXTERNAL_ILIAC)[0]
    changed[z, y, x] = NODE_NEGATIVE
    return changed


REJECTED: dict[str, tuple[Callable[[Voxels], Voxels], str]] = {
    "mirrored left to right": (lambda v: v[:, :, ::-1], "mirrored_left_right"),
    "mirrored front to back": (lambda v: v[:, ::-1], "mirrored_front_back"),
    "mirrored head to feet": (lambda v: v[::-1], "mirrored_head_feet"),
    "every other slice blank": (_half_blank, "slices_missing"),
    "one slice forgotten": (_slice_forgotten, "slices_missing"),
    "one station of one side forgotten on a slice": (_slice_of_one_station, "slices_missing"),
    "external iliac and obturator swapped": (lambda v: _exchanged(v, EXTERNAL_ILIAC, OBTURATOR), "stations_swapped"),
    "obturator and internal iliac swapped": (lambda v: _exchanged(v, OBTURATOR, INTERNAL_ILIAC), "stations_swapped"),
    "both iliac stations swapped": (lambda v: _exchanged(v, EXTERNAL_ILIAC, INTERNAL_ILIAC), "mirrored_front_back"),
    "shifted to the back by six pixels": (lambda v: np.roll(v, 6, axis=1), "mask_shifted"),
    "shifted to the left by six pixels": (lambda v: np.roll(v, 6, axis=2), "mask_shifted"),
    "nothing drawn": (np.zeros_like, "no_stations"),
    "nodes alone": (lambda v: _cleared(v, ~np.isin(v, NODE_LABELS)), "no_stations"),
    "one side alone": (lambda v: _cleared(v, np.arange(v.shape[2]) < v.shape[2] // 2), "one_sided"),
    "a value that stands for nothing": (lambda v: np.where(v == OBTURATOR, 9, v).astype(np.uint8), "unknown_label"),
}

GRID: dict[str, tuple[Callable[[Volume], Volume], str]] = {
    "another place": (lambda v: replace(v, origin_lps_mm=(0.0, 0.0, 0.0)), "label_map_mismatch"),
    "another pixel spacing": (
        lambda v: replace(v, spacing_mm=(v.spacing_mm[0], 0.9 * v.spacing_mm[1], 0.9 * v.spacing_mm[2])),
        "label_map_mismatch",
    ),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_planted_fault_is_named(name: str, patient: Patient, series: tuple[FoundSeries, ...], tmp_path: Path) -> None:
    change, code = REJECTED[name]
    mask = patient.labels.with_voxels(np.ascontiguousarray(change(patient.labels.voxels)))
    record = _take(series, mask, tmp_path)
    assert [str(fault.code) for fault in record.reasons] == [code]
    if code in ("slices_missing", "stations_swapped", "mask_shifted"):
        # Whoever has looked may overrule it, and sees it in the data sheet.
        assert record.thumbnail is not None
        assert _take(series, mask, tmp_path, accept=code).accepted


@pytest.mark.parametrize("name", GRID)
def test_a_mask_on_another_grid_is_named(
    name: str, patient: Patient, series: tuple[FoundSeries, ...], tmp_path: Path
) -> None:
    change, code = GRID[name]
    assert [str(fault.code) for fault in _take(series, change(patient.labels), tmp_path).reasons] == [code]


def test_an_image_taken_for_a_mask_is_named_with_ten_values_at_most(
    patient: Patient, series: tuple[FoundSeries, ...], tmp_path: Path
) -> None:
    (fault,) = _take(series, patient.case.image, tmp_path).reasons
    assert fault.code == "unknown_label"
    assert " more, which stand for nothing" in fault.message
    assert len(fault.message) < 400


def test_a_mask_that_is_not_there_and_one_that_is_none_are_named(
    series: tuple[FoundSeries, ...], tmp_path: Path
) -> None:
    assert [str(fault.code) for fault in _take(series, None, tmp_path).reasons] == ["no_mask"]
    (tmp_path / "mask.nii.gz").write_text("no label map")
    assert [str(fault.code) for fault in _take(series, None, tmp_path).reasons] == ["unreadable_label_map"]


def test_slips_of_the_brush_and_a_missing_station_are_warned_of(
    patient: Patient, series: tuple[FoundSeries, ...], tmp_path: Path
) -> None:
    specks = patient.labels.with_voxels(_with_specks(patient.labels.voxels))
    assert "node_specks" in [str(fault.code) for fault in _take(series, specks, tmp_path).warnings]
    voxels = patient.labels.voxels
    bare = patient.labels.with_voxels(_cleared(voxels, voxels == INTERNAL_ILIAC))
    assert "stations_missing" in [
        str(fault.code) for fault in _take(series, bare, tmp_path, "mirrored_left_right").warnings
    ]


def _grown(voxels: Voxels) -> Voxels:
    near = ndimage.grey_dilation(voxels, (1, 3, 3))
    return np.where(voxels > 0, voxels, near).astype(np.uint8)


def _trembling(voxels: Voxels) -> Voxels:
    random = np.random.default_rng(5)
    return np.stack([np.roll(plane, random.integers(-1, 2, 2), (0, 1)) for plane in voxels])


@pytest.mark.parametrize("careless", [lambda v: v, _grown, _trembling])
def test_good_and_careless_masks_are_taken_in(
    careless: Callable[[Voxels], Voxels], patient: Patient, series: tuple[FoundSeries, ...], tmp_path: Path
) -> None:
    record = _take(series, patient.labels.with_voxels(careless(patient.labels.voxels)), tmp_path)
    assert [str(fault.code) for fault in record.reasons] == []
