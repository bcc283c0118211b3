"""Too few cases are told before anything of them is read, with what their number could show."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from base.errors import SettingInvalid
from tests.fixtures.own_study import make_patient, write_mask, write_seg
from training.cli import app
from training.few_cases import count_masks, folder_words, table_words, wilson, words_of
from training.intake.dicom_index import index_dicom
from training.intake.pairing import Sources, pair_by_files
from training.intake.study import StudyFiles


def table(folder: Path, count: int, *, held_out: int = 0) -> Path:
    path = folder / "cases.csv"
    rows = [f"c{n},c{n}.nii,p{n},{'north' if n < held_out else 'south'}\n" for n in range(count)]
    path.write_text("case,mask,patient,hospital\n" + "".join(rows))
    return path


def test_eight_cases_are_told_with_their_folds_and_the_interval_they_would_give(tmp_path: Path) -> None:
    assert table_words(table(tmp_path, 8), ()) == [
        "8 cases of 8 patients to train on: the folds validate on 2, 2, 2, 1, 1 patients",
        "a share of 0.80 measured on 8 cases has a 95 % interval of 0.45 to 0.95",
        "fewer than 20 cases: no evaluation of them is usable, and a bundle needs --unproven",
    ]


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    # 81 of 263 (Altman et al., Statistics with Confidence, 2000): 0.255 to 0.366.
    assert wilson(81 / 263, 263) == pytest.approx((0.255, 0.366), abs=5e-4)


def test_enough_cases_need_no_words() -> None:
    assert words_of(50, 50) == []
    assert len(words_of(49, 49)) == 2


def test_a_hold_out_that_leaves_four_is_refused_before_any_image_is_read(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"4 cases of 4 patients to train on once the hospitals of --hold-out"):
        table_words(table(tmp_path, 8, held_out=4), ("north",))
    (tmp_path / "dicom").mkdir()
    arguments = ["prepare", "--dicom", str(tmp_path / "dicom"), "--cases", str(tmp_path / "cases.csv")]
    done = CliRunner().invoke(app, [*arguments, "--hold-out", "north", "--work", str(tmp_path / "work")])
    # The export is empty: whoever looks into it first says so.
    assert isinstance(done.exception, SettingInvalid)
    assert "at least 5 patients" in str(done.exception)
    assert not (tmp_path / "work").exists()


def test_a_gpu_that_is_not_there_is_a_setting_and_no_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = CliRunner().invoke(app, ["fit", "--device", "cuda", "--work", str(tmp_path)])
    assert isinstance(done.exception, SettingInvalid)
    assert "allowed: cpu, or a machine with a GPU" in str(done.exception)


def test_masks_of_a_folder_and_cases_of_another_dataset_are_counted_by_their_names_alone(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"P{number}").mkdir()
        (tmp_path / f"P{number}" / "labels.nii.gz").touch()
    (tmp_path / "notes.txt").touch()
    export = tmp_path / "export"
    export.mkdir()
    assert count_masks(StudyFiles(export, tmp_path)) == 4
    with pytest.raises(SettingInvalid, match="masks is '4 cases to train on'; allowed: at least 5 patients"):
        folder_words("masks", count_masks(StudyFiles(export, tmp_path)))
    assert folder_words("source", 8) == words_of(8, 8) != []
    assert folder_words("source", 0) == []


def test_dicom_masks_are_counted_by_their_headers_before_anything_is_read(tmp_path: Path) -> None:
    for number in range(3):
        write_seg(make_patient(number), tmp_path / f"P{number}.dcm")
    make_patient(3).write(tmp_path / "images")
    (tmp_path / "damaged.dcm").write_bytes(b"no DICOM")
    assert count_masks(StudyFiles(tmp_path, tmp_path)) == 3, "neither images nor what is no DICOM are masks"
    write_mask(make_patient(4).labels, tmp_path / "P4.nii.gz")
    options = ["--dicom", str(tmp_path), "--masks", str(tmp_path), "--trained-on", "clinical"]
    done = CliRunner().invoke(app, ["prepare", *options, "--work", str(tmp_path / "work")])
    assert isinstance(done.exception, SettingInvalid)
    assert str(done.exception).startswith("setting masks is '4 cases to train on'; allowed: at least 5 patients")
    assert not (tmp_path / "work" / "nnUNet_raw").exists()


def test_masks_among_the_images_count_as_they_do_when_cases_are_paired(tmp_path: Path) -> None:
    export, masks = tmp_path / "export", tmp_path / "masks"
    for number in range(3):
        make_patient(number).write(export / f"P{number}")
        # As a PACS names its files.
        write_seg(make_patient(number), export / f"P{number}" / "IM99")
    for number in range(3, 5):
        make_patient(number).write(export / f"P{number}")
        write_mask(make_patient(number).labels, masks / f"P{number}.nii.gz")
    # With a folder of masks, those of other forms among the images are no cases.
    write_mask(make_patient(0).labels, export / "P0" / "draft.nii.gz")
    index = index_dicom(export)
    for folder in (masks, None):
        assert count_masks(StudyFiles(export, folder)) == len(pair_by_files(Sources(index, folder, "salt"))[0])
    assert folder_words("masks", count_masks(StudyFiles(export, masks))) == words_of(5, 5), (
        "two files of --masks are not all"
    )
    work = tmp_path / "work"
    done = CliRunner().invoke(app, ["prepare", "--dicom", str(export), "--work", str(work)])
    assert str(done.exception).startswith("setting dicom is '4 cases to train on'; allowed: at least 5 patients")
    assert not (work / "nnUNet_raw").exists()


@pytest.mark.parametrize("given", ["source", "seeds"])
def test_too_few_are_told_before_anything_is_read_or_made(tmp_path: Path, given: str) -> None:
    (tmp_path / "labelsTr").mkdir()
    for number in range(3):
        (tmp_path / "labelsTr" / f"case_{number}.nii.gz").touch()
    values = {"source": str(tmp_path), "seeds": "1000-1002"}
    work = tmp_path / "work"
    done = CliRunner().invoke(app, ["prepare", f"--{given}", values[given], "--work", str(work)])
    assert isinstance(done.exception, SettingInvalid)
    assert (
        str(done.exception) == f"setting {given} is '3 cases to train on'; allowed: at least 5 patients, one per fold"
    )
    assert not work.exists()
