"""Cases become an nnU-Net dataset in canonical orientation, and evaluation seeds stay out of it."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES
from core.volume import Volume
from training.dataset import import_cases, read_volume, write_case, write_volume
from training.phantoms import EVALUATION_SEEDS, TRAINING_SEEDS, case_name, check_training_seeds
from training.workspace import Workspace

CANONICAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def _pair(direction: np.ndarray = CANONICAL) -> tuple[Volume, Volume]:
    voxels = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
    image = Volume(voxels, (3.5, 0.7, 0.6), (-12.0, 30.0, 5.0), direction)
    return image, image.with_voxels((voxels % 6).astype(np.uint8))


@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3)))
def test_every_flip_of_pixels_and_header_is_written_as_the_same_file(
    flips: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    image, labels = _pair()
    step = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    corner = [size - 1 if flip else 0 for size, flip in zip(image.shape, flips, strict=True)]
    x, y, z = image.index_to_lps_mm(corner)
    signs = np.where(flips, -1.0, 1.0)
    flipped = Volume(image.voxels[step], image.spacing_mm, (x, y, z), image.direction * signs)
    write_case(tmp_path, "case", flipped, flipped.with_voxels(labels.voxels[step]))
    written = read_volume(tmp_path / "imagesTr" / "case_0000.nii.gz")
    assert written.same_grid(image)
    np.testing.assert_array_equal(written.voxels, image.voxels)
    np.testing.assert_array_equal(read_volume(tmp_path / "labelsTr" / "case.nii.gz").voxels, labels.voxels)


def test_a_volume_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    c, s = np.cos(0.2), np.sin(0.2)
    oblique = np.array([[0.0, 0.0, 1.0], [-s, c, 0.0], [c, s, 0.0]])
    image, _ = _pair(oblique)
    write_volume(tmp_path / "oblique.nii.gz", image)
    assert read_volume(tmp_path / "oblique.nii.gz").same_grid(image, tolerance_mm=1e-3)


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    image, labels = _pair()
    shifted = Volume(labels.voxels, labels.spacing_mm, (0.0, 0.0, 0.0), CANONICAL)
    with pytest.raises(SettingInvalid, match="same grid"):
        write_case(tmp_path, "case", image, shifted)


def test_an_unknown_label_value_is_refused(tmp_path: Path) -> None:
    image, labels = _pair()
    with pytest.raises(SettingInvalid, match=r"got also \[9\]"):
        write_case(tmp_path, "case", image, labels.with_voxels(np.full(labels.shape, 9, dtype=np.uint8)))


def _raw_folder(folder: Path, labels: dict[str, int]) -> Path:
    image, mask = _pair()
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    write_volume(folder / "imagesTr" / "a_0000.nrrd", image)
    write_volume(folder / "labelsTr" / "a.nrrd", mask)
    description = {"channel_names": {"0": "T2"}, "labels": labels, "file_ending": ".nrrd", "numTraining": 1}
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def test_a_folder_in_raw_form_is_taken_in_and_says_what_it_holds(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", "Dataset501_Sidewall", "demo")
    assert list(import_cases(workspace, _raw_folder(tmp_path / "source", LABEL_NAMES), "clinical")) == ["a"]
    description = json.loads((workspace.raw / "dataset.json").read_text())
    assert description["trained_on"] == "clinical"
    assert description["numTraining"] == 1
    assert (workspace.raw / description["dataset"]["a"]["images"][0]).is_file()


def test_a_folder_with_other_labels_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", "Dataset501_Sidewall", "demo")
    source = _raw_folder(tmp_path / "source", {"background": 0, "tumour": 1})
    with pytest.raises(SettingInvalid, match="external_iliac_inguinal"):
        list(import_cases(workspace, source, "clinical"))


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"dataset\.json, imagesTr and labelsTr"):
        list(import_cases(Workspace(tmp_path, "Dataset501_Sidewall", "demo"), tmp_path, "clinical"))


def test_training_seeds_and_evaluation_seeds_share_none() -> None:
    assert not set(TRAINING_SEEDS) & set(EVALUATION_SEEDS)
    check_training_seeds(list(TRAINING_SEEDS))
    assert case_name(1007) == "phantom_1007"


@pytest.mark.parametrize("seeds", [[0], [99], [250], [1000, 42], [3000], [1000, 1000], []])
def test_a_seed_that_training_may_not_use_is_refused(seeds: list[int]) -> None:
    with pytest.raises(SettingInvalid, match="1000 to 2999"):
        check_training_seeds(seeds)
