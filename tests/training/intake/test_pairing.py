"""Masks find their series by reference, by name and by table, and never that of another patient."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from base.errors import SettingInvalid
from core.labelmaps import read_label_map
from tests.fixtures.own_study import Patient, make_patient, write_mask, write_nrrd, write_seg
from training.intake.case_table import TableRow
from training.intake.choosing import LOOKED_FOR, choose_series
from training.intake.dicom_index import index_dicom
from training.intake.faults import CaseRejected
from training.intake.pairing import PairedCase, Sources, mask_key, pair_by_files, pair_by_table


def sources(root: Path) -> Sources:
    return Sources(index_dicom(root / "dicom"), root / "masks", "salt")


def chosen(case: PairedCase) -> str:
    return choose_series(case.candidates, read_label_map(case.mask).volume).uid


def with_other_series(patient: Patient, folder: Path, **values: object) -> None:
    """Write the patient's images as another series of the same study."""
    original = [(instance.SeriesInstanceUID, instance.SOPInstanceUID) for instance in patient.series]
    uid = generate_uid()
    for instance in patient.series:
        instance.SeriesInstanceUID, instance.SOPInstanceUID = uid, generate_uid()
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
    kept = {name: patient.series[0].get(name) for name in values}
    patient.with_headers(**values).write(folder)
    patient.with_headers(**kept)
    for instance, (series_uid, instance_uid) in zip(patient.series, original, strict=True):
        instance.SeriesInstanceUID, instance.SOPInstanceUID = series_uid, instance_uid
        instance.file_meta.MediaStorageSOPInstanceUID = instance_uid


def test_masks_find_their_series_by_name_folder_and_reference(tmp_path: Path) -> None:
    patients = {name: make_patient(number) for number, name in enumerate(("A", "B", "C", "D"))}
    for name, patient in patients.items():
        patient.write(tmp_path / "dicom" / name / "t2")
    write_mask(patients["A"].labels, tmp_path / "masks" / "A.nii.gz")
    write_nrrd(patients["B"].labels, tmp_path / "masks" / "B" / "t2" / "labels.seg.nrrd")
    write_seg(patients["C"], tmp_path / "dicom" / "C" / "seg" / "1.dcm")
    cases, spare = pair_by_files(sources(tmp_path))
    found = {case.mask.name: chosen(case) for case in cases}
    expected = {"A.nii.gz": "A", "labels.seg.nrrd": "B", "1.dcm": "C"}
    assert found == {mask: patients[name].series_uid for mask, name in expected.items()}
    assert spare == 1
    # Names of files can be names of patients.
    assert all(case.name.startswith("case-") for case in cases)


def test_an_archive_is_found_by_its_name(tmp_path: Path) -> None:
    patient = make_patient(0)
    folder = patient.write(tmp_path / "unpacked")
    (tmp_path / "dicom").mkdir()
    with zipfile.ZipFile(tmp_path / "dicom" / "A.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"x/{file.name}")
    write_mask(patient.labels, tmp_path / "masks" / "A.nii.gz")
    (case,), _ = pair_by_files(sources(tmp_path))
    assert chosen(case) == patient.series_uid
    assert len(case.candidates[0].source()) == len(patient.series)


def test_of_several_series_of_a_study_the_one_on_the_masks_voxels_is_taken(tmp_path: Path) -> None:
    patient = make_patient(0)
    patient.write(tmp_path / "dicom" / "A" / "1")
    with_other_series(patient, tmp_path / "dicom" / "A" / "2", PixelSpacing=["1.3", "1.3"])
    write_mask(patient.labels, tmp_path / "masks" / "A.nii.gz")
    (case,), _ = pair_by_files(sources(tmp_path))
    assert len(case.candidates) == 2
    assert chosen(case) == patient.series_uid


def test_of_several_on_its_voxels_the_t2_is_taken(tmp_path: Path) -> None:
    patient = make_patient(0)
    patient.write(tmp_path / "dicom" / "A" / "1")
    with_other_series(patient, tmp_path / "dicom" / "A" / "2", EchoTime="10", RepetitionTime="600")
    write_mask(patient.labels, tmp_path / "masks" / "A.nii.gz")
    (case,), _ = pair_by_files(sources(tmp_path))
    assert chosen(case) == patient.series_uid


def test_two_equal_series_are_ambiguous_until_the_table_names_one(tmp_path: Path) -> None:
    patient = make_patient(0)
    patient.write(tmp_path / "dicom" / "A" / "1")
    with_other_series(patient, tmp_path / "dicom" / "A" / "2")
    write_mask(patient.labels, tmp_path / "masks" / "A.nii.gz")
    (case,), _ = pair_by_files(sources(tmp_path))
    with pytest.raises(CaseRejected, match=r"ambiguous_image: 2 series.*tied_series"):
        chosen(case)
    (named,) = pair_by_table([TableRow("a", "A.nii.gz", patient.series_uid)], sources(tmp_path), ())
    assert chosen(named) == patient.series_uid


def test_a_name_that_two_patients_share_is_no_pairing(tmp_path: Path) -> None:
    for number, name in enumerate(("A", "B")):
        make_patient(number).with_headers(PatientID=name).write(tmp_path / "dicom" / name / "t2")
    write_mask(make_patient(0).labels, tmp_path / "masks" / "t2.nii.gz")
    (case,), _ = pair_by_files(sources(tmp_path))
    with pytest.raises(CaseRejected, match="ambiguous_image: series of 2 patients"):
        chosen(case)


def test_a_mask_without_images_is_rejected(tmp_path: Path) -> None:
    make_patient(0).write(tmp_path / "dicom" / "A")
    write_mask(make_patient(0).labels, tmp_path / "masks" / "Z.nii.gz")
    (case,), spare = pair_by_files(sources(tmp_path))
    assert spare == 1
    with pytest.raises(CaseRejected, match="no_image") as rejected:
        chosen(case)
    assert f"0 series belong to the mask, none of them MR images; looked for {LOOKED_FOR}" in str(rejected.value)


def test_a_series_copied_elsewhere_is_the_same_series(tmp_path: Path) -> None:
    patient = make_patient(0)
    patient.write(tmp_path / "dicom" / "A" / "1")
    patient.write(tmp_path / "dicom" / "A" / "copy")
    write_mask(patient.labels, tmp_path / "masks" / "A.nii.gz")
    (case,), _ = pair_by_files(sources(tmp_path))
    assert len(choose_series(case.candidates, read_label_map(case.mask).volume).files) == len(patient.series)


def test_a_series_spread_over_folders_is_one_series(tmp_path: Path) -> None:
    patient = make_patient(0)
    folder = patient.write(tmp_path / "dicom" / "A")
    (tmp_path / "dicom" / "B").mkdir()
    for file in sorted(folder.iterdir())[::2]:
        file.rename(tmp_path / "dicom" / "B" / file.name)
    (series,) = index_dicom(tmp_path / "dicom").series
    assert len(series.files) == len(patient.series)


def test_damaged_archives_and_other_files_are_passed_over(tmp_path: Path) -> None:
    make_patient(0).write(tmp_path / "A")
    (tmp_path / "A" / "notes.txt").write_text("no image")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 nothing")
    index = index_dicom(tmp_path)
    assert len(index.series) == 1
    assert index.unreadable_archives == 1


def test_the_table_names_folders_in_the_export_and_elsewhere(tmp_path: Path) -> None:
    inside, outside = make_patient(0), make_patient(1)
    inside.write(tmp_path / "dicom" / "A" / "t2")
    outside.write(tmp_path / "elsewhere" / "B")
    rows = [
        TableRow("a", "a.nii.gz", "A", patient="Jane", hospital="north", split="test"),
        TableRow("b", "b.nii.gz", str(tmp_path / "elsewhere" / "B"), patient="Jane", hospital="south"),
    ]
    first, second = pair_by_table(rows, sources(tmp_path), ["south"])
    assert [first.candidates[0].uid, second.candidates[0].uid] == [inside.series_uid, outside.series_uid]
    assert [first.split, second.split] == ["test", "test"]
    assert first.patient == second.patient
    assert "Jane" not in repr(first) + first.patient


def test_a_hospital_held_out_must_be_one_of_the_table_and_not_said_to_train(tmp_path: Path) -> None:
    make_patient(0).write(tmp_path / "dicom")
    rows = [TableRow("a", "a.nii.gz", hospital="north", split="train")]
    with pytest.raises(SettingInvalid, match=r"south.*hospitals of the table: \['north'\]"):
        pair_by_table(rows, sources(tmp_path), ["south"])
    with pytest.raises(SettingInvalid, match="no row that says train"):
        pair_by_table(rows, sources(tmp_path), ["north"])


@pytest.mark.parametrize(
    ("name", "key"),
    [("A.nii.gz", "A"), ("A.seg.nrrd", "A"), ("a.b.NRRD", "a.b"), ("A.dcm", "A"), ("A.txt", None)],
)
def test_the_ending_of_a_mask_is_no_part_of_its_name(name: str, key: str | None) -> None:
    assert mask_key(name) == key


def test_the_made_patients_are_alike_but_not_the_same() -> None:
    one, two = make_patient(0), make_patient(1)
    assert one.series_uid != two.series_uid
    assert not np.array_equal(one.case.image.voxels, two.case.image.voxels)
