"""Foreign label maps land on the voxels of their series, whatever the format and orientation, or are refused."""

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import numpy.typing as npt
import pytest

from base.errors import SettingInvalid
from core.errors import CaseRefused, RefusalCode
from core.labelmaps import lies_on, parse_meanings, place_label_map, read_label_map
from core.volume import FloatArray, Volume, canonicalise
from tests.fixtures.volumes import flip

RAS = np.diag([-1.0, -1.0, 1.0])


def tilted(tilt_deg: float = 12.0) -> Volume:
    """Return an oblique canonical label map of 7 x 20 x 24 voxels, different under every flip and permutation."""
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    direction = np.array([[0, 0, 1], [-s, c, 0], [c, s, 0]])
    labels = np.zeros((7, 20, 24), dtype=np.uint16)
    for value, corner in enumerate([(1, 2, 3), (2, 12, 4), (3, 4, 15), (5, 14, 16), (4, 9, 9)], start=1):
        labels[corner[0], corner[1] : corner[1] + 3, corner[2] : corner[2] + 2 + value] = value
    return Volume(labels, (3.3, 0.7, 0.6), (-31.5, 42.25, -120.0), direction)


def affine(volume: Volume) -> FloatArray:
    matrix = np.eye(4)
    matrix[:3, :3] = volume.direction * np.asarray(volume.spacing_mm)
    matrix[:3, 3] = volume.origin_lps_mm
    return matrix


def write(volume: Volume, path: Path) -> Path:
    """Write a volume in the format of the path's name, with index axes as they are."""
    matrix = affine(volume)
    if path.suffix == ".nrrd":
        header = {
            "space": "left-posterior-superior",
            "space directions": matrix[:3, :3].T,
            "space origin": matrix[:3, 3],
            "kinds": ["domain"] * 3,
        }
        nrrd.write(str(path), np.ascontiguousarray(volume.voxels), header)
    else:
        matrix[:3] = RAS @ matrix[:3]
        image = nibabel.Nifti1Image(np.ascontiguousarray(volume.voxels), matrix)  # type: ignore[no-untyped-call]
        nibabel.save(image, path)
    return path


def place(path: Path, grid: Volume) -> npt.NDArray[np.uint8]:
    labels: npt.NDArray[np.uint8] = place_label_map(read_label_map(path), grid).voxels
    return labels


@pytest.mark.parametrize("name", ["labels.nii", "labels.nii.gz", "labels.nrrd"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_every_orientation_of_the_stored_axes_lands_on_the_same_voxels(
    name: str, order: tuple[int, int, int], tmp_path: Path
) -> None:
    truth = tilted()
    for flips in product((False, True), repeat=3):
        stored = flip(truth, flips)
        stored = Volume(
            stored.voxels.transpose(order),
            (stored.spacing_mm[order[0]], stored.spacing_mm[order[1]], stored.spacing_mm[order[2]]),
            stored.origin_lps_mm,
            stored.direction[:, order],
        )
        np.testing.assert_array_equal(place(write(stored, tmp_path / name), truth), truth.voxels)


def test_a_part_of_the_series_lands_in_its_place(tmp_path: Path) -> None:
    truth = tilted()
    x, y, z = (float(value) for value in truth.index_to_lps_mm((1, 2, 3)))
    part = Volume(truth.voxels[1:6, 2:18, 3:], truth.spacing_mm, (x, y, z), truth.direction)
    np.testing.assert_array_equal(place(write(part, tmp_path / "part.nii.gz"), truth), truth.voxels)


def test_a_nrrd_in_ras_is_the_same_map(tmp_path: Path) -> None:
    truth = tilted()
    matrix = RAS @ affine(truth)[:3]
    header = {"space": "right-anterior-superior", "space directions": matrix[:, :3].T, "space origin": matrix[:, 3]}
    nrrd.write(str(tmp_path / "ras.nrrd"), truth.voxels, header)
    np.testing.assert_array_equal(place(tmp_path / "ras.nrrd", truth), truth.voxels)


def test_the_names_of_3d_slicers_segments_are_read_with_their_values(tmp_path: Path) -> None:
    truth = tilted()
    matrix = affine(truth)
    header = {"space": "left-posterior-superior", "space directions": matrix[:3, :3].T, "space origin": matrix[:3, 3]}
    header |= {"Segment0_LabelValue": "2", "Segment0_Name": "OB", "Segment1_LabelValue": "5", "Segment1_Name": "node +"}
    nrrd.write(str(tmp_path / "a.seg.nrrd"), truth.voxels, header)
    assert read_label_map(tmp_path / "a.seg.nrrd").names == {2: "OB", 5: "node +"}
    assert read_label_map(write(truth, tmp_path / "a.nii")).names == {}


def test_a_map_lies_on_the_voxels_of_its_own_series_alone(tmp_path: Path) -> None:
    truth = tilted()
    assert lies_on(truth, flip(truth, (True, False, True)))
    assert lies_on(truth, Volume(truth.voxels[:, :, :20], truth.spacing_mm, truth.origin_lps_mm, truth.direction))
    assert not lies_on(truth, replace(truth, origin_lps_mm=(-31.5, 42.5, -120.0)))


@pytest.mark.parametrize(
    "change",
    [
        {"origin_lps_mm": (-31.5, 42.5, -120.0)},
        {"spacing_mm": (3.3, 0.7, 0.61)},
        {"spacing_mm": (3.0, 0.7, 0.6)},
        {"direction": tilted(13.0).direction},
        {"origin_lps_mm": (31.5, 42.25, -120.0), "direction": np.diag([-1.0, 1.0, 1.0]) @ tilted().direction},
    ],
)
def test_another_grid_is_refused_and_not_resampled(change: dict[str, object], tmp_path: Path) -> None:
    truth = tilted()
    values: dict[str, object] = {**vars(truth), **change}
    other = Volume(**values)  # type: ignore[arg-type]
    with pytest.raises(CaseRefused, match="is not that of the series") as refused:
        place(write(other, tmp_path / "other.nrrd"), truth)
    assert [reason.code for reason in refused.value.reasons] == [RefusalCode.LABEL_MAP_MISMATCH]


def test_values_that_stand_for_nothing_are_refused_until_they_are_named(tmp_path: Path) -> None:
    truth = tilted()
    foreign = truth.with_voxels(np.where(truth.voxels > 0, truth.voxels + 10, 0).astype(np.uint16))
    labels = read_label_map(write(foreign, tmp_path / "foreign.nii"))
    with pytest.raises(CaseRefused, match=r"\[11, 12, 13, 14, 15\], which stand for nothing") as refused:
        place_label_map(labels, canonicalise(truth)[0])
    assert [reason.code for reason in refused.value.reasons] == [RefusalCode.UNKNOWN_LABEL]
    names = "11=external_iliac_inguinal, 12=obturator,13=internal_iliac,14=node_negative,15=background"
    placed = place_label_map(labels, truth, parse_meanings(names))
    np.testing.assert_array_equal(placed.voxels, np.where(truth.voxels == 5, 0, truth.voxels))


@pytest.mark.parametrize("text", ["", "5", "x=obturator", "5=tumour", "5=obturator,5=obturator", "-1=obturator"])
def test_meanings_that_cannot_be_understood_say_what_is_allowed(text: str) -> None:
    with pytest.raises(SettingInvalid, match="allowed: value=name"):
        parse_meanings(text)


def test_files_that_are_no_label_map_are_refused(tmp_path: Path) -> None:
    truth = tilted()
    whole = write(truth, tmp_path / "whole.nii.gz").read_bytes()
    plain = write(truth, tmp_path / "whole.nii").read_bytes()
    nrrd_bytes = write(truth, tmp_path / "whole.nrrd").read_bytes()
    halves = truth.with_voxels(truth.voxels * np.float32(0.5))
    without_place = nibabel.Nifti1Image(truth.voxels, None)  # type: ignore[no-untyped-call]
    nibabel.save(without_place, tmp_path / "nowhere.nii")
    contents = {
        "empty": b"",
        "text": b"1 2 3\n" * 100,
        "cut.nii.gz": whole[: len(whole) // 2],
        "cut.nii": plain[:1000],
        "cut.nrrd": nrrd_bytes[: len(nrrd_bytes) - 40],
        "no_space.nrrd": nrrd_bytes.replace(b"space: left-posterior-superior\n", b""),
        "detached.nrrd": nrrd_bytes.replace(b"encoding:", b"data file: /etc/passwd\nencoding:"),
        "halves.nii": write(halves, tmp_path / "halves.nii").read_bytes(),
        "nowhere.nii": (tmp_path / "nowhere.nii").read_bytes(),
    }
    for name, content in contents.items():
        file = tmp_path / f"bad_{name}"
        file.write_bytes(content)
        with pytest.raises(CaseRefused) as refused:
            read_label_map(file)
        assert [reason.code for reason in refused.value.reasons] == [RefusalCode.UNREADABLE_LABEL_MAP], name


def bare_mask() -> Volume:
    grid = tilted()
    return grid.with_voxels((grid.voxels > 0).astype(np.uint16))


def test_a_mask_of_one_value_is_not_taken_for_a_station_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(CaseRefused, match=r"does not say what it stands for; allowed: .* 1=node") as refused:
        place(write(bare_mask(), tmp_path / "mask.nrrd"), tilted())
    assert [reason.code for reason in refused.value.reasons] == [RefusalCode.UNKNOWN_LABEL]


@pytest.mark.parametrize(("meaning", "label"), [("1=node", 4), ("1=external_iliac_inguinal", 1)])
def test_a_mask_of_one_value_that_is_named_is_taken_for_that(meaning: str, label: int, tmp_path: Path) -> None:
    foreign = read_label_map(write(bare_mask(), tmp_path / "mask.nrrd"))
    placed = place_label_map(foreign, tilted(), parse_meanings(meaning))
    assert set(np.unique(placed.voxels)) == {0, label}


def test_nodes_that_nobody_judged_stand_beside_no_judged_ones() -> None:
    with pytest.raises(SettingInvalid, match="node, or node_negative and node_positive; not both"):
        parse_meanings("1=node,2=node_positive")
