"""One case of one's own: taken in from every form of mask, or rejected with the one code that says why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from core.labels import LABEL_NAMES, NODE_LABELS, NODE_NEGATIVE, NODE_POSITIVE
from core.reading import read_series
from core.volume import Volume, canonicalise
from tests.fixtures.own_study import Patient, make_patient, write_mask, write_nrrd, write_seg
from training.dataset import label_path, read_volume
from training.intake.dicom_index import index_dicom
from training.intake.geometry import describe_difference
from training.intake.label_table import LabelTable
from training.intake.pairing import PairedCase
from training.intake.records import CaseRecord
from training.intake.taking import RULES, Intake, take_case

Voxels = npt.NDArray[np.uint8]


def intake(folder: Path, labels: LabelTable = LabelTable(), trained_on: str = "clinical") -> Intake:  # noqa: B008 - frozen
    return Intake(folder / "raw", labels, trained_on, "salt")


def take(patient: Patient, mask: Path, folder: Path, accept: str = "", labels: LabelTable | None = None) -> CaseRecord:
    """Take a patient in with a mask."""
    if not (folder / "dicom").is_dir():
        patient.write(folder / "dicom")
    series = index_dicom(folder / "dicom").series
    case = PairedCase("case", mask, series, patient="", accept=frozenset(accept.split()))
    return take_case(case, intake(folder, labels or LabelTable()))


def codes(record: CaseRecord) -> list[str]:
    return [str(fault.code) for fault in record.reasons]


def warned(record: CaseRecord) -> list[str]:
    return [str(fault.code) for fault in record.warnings]


def changed(patient: Patient, change: Callable[[Voxels], object]) -> Volume:
    """Return the patient's labels after a change to their voxels."""
    voxels = patient.labels.voxels.copy()
    change(voxels)
    return patient.labels.with_voxels(voxels)


@pytest.mark.parametrize("name", ["mask.nii.gz", "mask.nrrd", "mask.seg.nrrd"])
def test_a_mask_lands_on_its_image_whatever_its_form(name: str, tmp_path: Path) -> None:
    patient = make_patient(1)
    table = None
    if name == "mask.nii.gz":
        write_mask(patient.labels, tmp_path / name)
    elif name == "mask.nrrd":
        write_nrrd(patient.labels, tmp_path / name)
    else:
        names = {value + 10: label for label, value in LABEL_NAMES.items() if value}
        shifted = np.where(patient.labels.voxels > 0, patient.labels.voxels + 10, 0).astype(np.uint8)
        write_nrrd(patient.labels.with_voxels(shifted), tmp_path / name, names)
        table = LabelTable({}, {label: value for label, value in LABEL_NAMES.items() if value})
    record = take(patient, tmp_path / name, tmp_path, labels=table)
    assert (codes(record), warned(record)) == ([], [])
    written = read_volume(label_path(tmp_path / "raw", "case"))
    np.testing.assert_array_equal(written.voxels, canonicalise(patient.labels)[0].voxels)
    assert record.require_content().node_status == "positive"
    assert {node.station for node in record.require_content().nodes} == {"obturator", "internal_iliac"}


def test_a_coded_segmentation_gets_the_status_of_its_nodes_by_size(tmp_path: Path) -> None:
    patient = make_patient(1)
    write_seg(patient, tmp_path / "seg.dcm")
    record = take(patient, tmp_path / "seg.dcm", tmp_path)
    assert codes(record) == []
    assert warned(record) == ["node_status_by_size"]
    nodes = record.require_content().nodes
    assert [node.positive for node in nodes] == [node.short_axis_mm >= RULES.short_axis_cutoff_mm for node in nodes]
    assert {node.positive for node in nodes} == {True, False}


def test_segments_that_the_table_names_keep_the_status_that_was_drawn(tmp_path: Path) -> None:
    patient = make_patient(1)
    write_seg(patient, tmp_path / "seg.dcm")
    table = LabelTable({}, {label.replace("_", " "): value for label, value in LABEL_NAMES.items()} | LABEL_NAMES)
    record = take(patient, tmp_path / "seg.dcm", tmp_path, labels=table)
    assert (codes(record), warned(record)) == ([], [])
    written = read_volume(label_path(tmp_path / "raw", "case"))
    np.testing.assert_array_equal(written.voxels, canonicalise(patient.labels)[0].voxels)


def _shifted(patient: Patient, mask: Path) -> None:
    write_mask(replace(patient.labels, origin_lps_mm=(0.0, 0.0, 0.0)), mask)


def _one_side(patient: Patient, mask: Path) -> None:
    half = patient.labels.shape[2] // 2
    write_mask(changed(patient, lambda voxels: voxels[:, :, half:].fill(0)), mask)


def _nodes_only(patient: Patient, mask: Path) -> None:
    kept = np.isin(patient.labels.voxels, NODE_LABELS) * patient.labels.voxels
    write_mask(patient.labels.with_voxels(kept.astype(np.uint8)), mask)


def _foreign_value(patient: Patient, mask: Path) -> None:
    write_mask(changed(patient, lambda voxels: voxels[0].fill(9)), mask)


def _flipped(patient: Patient, mask: Path, axis: int) -> None:
    write_mask(patient.labels.with_voxels(np.ascontiguousarray(np.flip(patient.labels.voxels, axis))), mask)


FAULTS: dict[str, Callable[[Patient, Path], object]] = {
    "label_map_mismatch": _shifted,
    "one_sided": _one_side,
    "no_stations": _nodes_only,
    "unknown_label": _foreign_value,
    "mirrored_head_feet": lambda patient, mask: _flipped(patient, mask, 0),
    "mirrored_front_back": lambda patient, mask: _flipped(patient, mask, 1),
    "mirrored_left_right": lambda patient, mask: _flipped(patient, mask, 2),
    "unreadable_label_map": lambda patient, mask: mask.write_bytes(b"no mask"),
    "no_mask": lambda patient, mask: None,
}


@pytest.mark.parametrize("code", list(FAULTS))
def test_every_fault_has_its_code_and_writes_nothing(code: str, tmp_path: Path) -> None:
    patient = make_patient(1)
    FAULTS[code](patient, tmp_path / "mask.nii")
    record = take(patient, tmp_path / "mask.nii", tmp_path)
    assert codes(record) == [code]
    assert not list((tmp_path / "raw").rglob("*.nii.gz"))
    said = " ".join(fault.message for fault in record.reasons)
    assert "PHANTOM" not in said
    assert str(tmp_path) not in said
    # A suspicion comes with a picture to judge it by, and can be overruled; a fact cannot.
    suspected = code.startswith("mirrored") or code == "one_sided"
    assert (record.thumbnail is not None) == suspected
    if suspected:
        assert codes(take(patient, tmp_path / "mask.nii", tmp_path, accept=code)) == []


def test_what_reading_refuses_is_the_reason(tmp_path: Path) -> None:
    patient = make_patient(1)
    write_mask(patient.labels, tmp_path / "mask.nii.gz")
    (patient.write(tmp_path / "dicom") / "010.dcm").unlink()
    assert "missing_slice" in codes(take(patient, tmp_path / "mask.nii.gz", tmp_path))


def test_a_phantom_is_not_taken_for_a_patient(tmp_path: Path) -> None:
    patient = make_patient(1).with_headers(QualityControlSubject="YES")
    write_mask(patient.labels, tmp_path / "mask.nii.gz")
    assert codes(take(patient, tmp_path / "mask.nii.gz", tmp_path)) == ["phantom_subject"]


def test_specks_nodes_far_from_stations_and_missing_stations_are_warned_of(tmp_path: Path) -> None:
    patient = make_patient(1)

    def change(voxels: Voxels) -> None:
        half = voxels.shape[2] // 2
        voxels[:, :, :half][voxels[:, :, :half] == 3] = 0
        voxels[20, 2, 2] = NODE_NEGATIVE
        voxels[18:20, 5:12, half - 4 : half + 3] = NODE_POSITIVE

    write_mask(changed(patient, change), tmp_path / "mask.nii.gz")
    record = take(patient, tmp_path / "mask.nii.gz", tmp_path)
    assert codes(record) == []
    assert sorted(warned(record)) == ["node_specks", "nodes_outside_stations", "stations_missing"]


def test_a_study_without_patient_is_a_patient_of_its_own(tmp_path: Path) -> None:
    records = []
    for number in (1, 2):
        patient = make_patient(number).with_headers(PatientID="")
        write_mask(patient.labels, tmp_path / f"{number}" / "mask.nii.gz")
        records.append(take(patient, tmp_path / f"{number}" / "mask.nii.gz", tmp_path / f"{number}"))
    assert [warned(record) for record in records] == [["patient_not_stated"]] * 2
    assert records[0].require_content().patient != records[1].require_content().patient


def test_the_real_series_is_taken_in_with_a_mask_made_for_it(real_series: Path, tmp_path: Path) -> None:
    image = canonicalise(read_series(real_series).volume)[0]
    labels = np.zeros(image.shape, dtype=np.uint8)
    # Boxes where the compartments lie: x 110 to 290 pixels spans the pelvis, whose midline lies at about 205.
    for left in (False, True):
        for value, rows, offset in ((1, slice(90, 130), 75), (2, slice(140, 190), 62), (3, slice(190, 240), 45)):
            column = 205 + (offset if left else -offset)
            labels[4:16, rows, column - 8 : column + 8] = value
    labels[9:12, 150:164, 262:272] = NODE_POSITIVE
    write_mask(image.with_voxels(labels), tmp_path / "mask.nii.gz")
    case = PairedCase("real", tmp_path / "mask.nii.gz", index_dicom(real_series).series, patient="")
    record = take_case(case, intake(tmp_path))
    assert codes(record) == []
    content = record.require_content()
    assert content.scanner.manufacturer == "SIEMENS"
    assert content.spacing_mm == (3.0, 0.5, 0.5)
    assert [(node.side, node.station) for node in content.nodes] == [("left", "obturator")]


def test_the_difference_of_two_grids_is_said_in_millimetres() -> None:
    image = Volume(np.zeros((4, 5, 6)), (3.0, 0.5, 0.5), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    same = describe_difference(image, image)
    assert "less than can be told" in same
    off = describe_difference(image, replace(image, origin_lps_mm=(0.2, 0.0, 3.0)))
    assert "+0.20 mm along x" in off
    assert "reaches 3.0 mm beyond the image along z" in off
    assert "0.600 mm apart along x" in describe_difference(image, replace(image, spacing_mm=(3.0, 0.5, 0.6)))
    c, s = np.cos(0.1), np.sin(0.1)
    turned = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ image.direction
    assert "turned by 5.7 degrees" in describe_difference(image, replace(image, direction=turned))
