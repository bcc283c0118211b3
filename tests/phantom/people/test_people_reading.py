"""Label maps of people: what is read from a folder, and in which frame."""

from pathlib import Path

import numpy as np
import pytest

from phantom.fields import Field
from phantom.people.reading import AnatomyUnusable, find_people, read_person
from phantom.people.registration import coarse_nodes, register
from tests.fixtures.person_of_shapes import STRUCTURES, read_map, write_map, write_person


def test_the_origin_lies_between_the_femoral_heads_wherever_the_body_lay(tmp_path: Path) -> None:
    write_person(tmp_path, shift_mm=(14.0, -22.0, 310.0))
    (file,) = find_people(tmp_path)
    person = read_person(file)
    assert person.gives_vessels
    assert person.gives_deep_muscles
    femur = person.fields["femur"]
    places = np.array([(88.0, 0, 0), (-88.0, 0, 0), (0, 0, 0)], np.float32)
    left, right, middle = femur.distance_mm(*places.T)
    assert (left, right) == pytest.approx((-12.7, -12.7), abs=0.2)  # clipped: the head's radius is 24
    assert middle > 12
    assert femur.distance_mm(*np.array([(88.0, 0, 21.0)], np.float32).T)[0] == pytest.approx(-3, abs=2.5)


def test_a_folder_of_masks_named_by_totalsegmentator_is_a_person(tmp_path: Path) -> None:
    write_person(tmp_path / "maps")
    labels, affine = read_map(tmp_path / "maps" / "shape_1.nii.gz")
    folder = tmp_path / "scans" / "case_a"
    folder.mkdir(parents=True)
    for name in ("hip_left", "hip_right", "femur_left", "femur_right", "sacrum", "iliac_artery_left"):
        mask = (labels == STRUCTURES.index(name) + 1).astype(np.uint8)
        write_map(mask, affine, folder / f"{name}.nii.gz")
    (file,) = find_people(tmp_path / "scans")
    person = read_person(file)
    assert person.name == "case_a"
    assert set(person.fields) == {"hip", "femur", "sacrum", "artery_left"}
    assert not person.gives_vessels


def test_a_folder_without_maps_and_a_person_without_bones_are_named(tmp_path: Path) -> None:
    with pytest.raises(AnatomyUnusable, match="no label maps of people in"):
        find_people(tmp_path)
    folder = tmp_path / "case_b"
    folder.mkdir()
    write_map(np.ones((4, 4, 4), np.uint8), np.eye(4), folder / "hip_left.nii.gz")
    (file,) = find_people(tmp_path)
    with pytest.raises(AnatomyUnusable, match="case_b has no femur and no sacrum"):
        read_person(file)


def test_a_field_moves_its_surface_and_tells_its_box() -> None:
    index = np.indices((16, 16, 16)) * 2.0 - 15.0
    distance = np.sqrt((index**2).sum(axis=0)) - 8.0
    ball = Field(np.rint(np.clip(distance * 10, -127, 127)).astype(np.int8), np.full(3, -15.0))
    point = np.zeros(1, np.float32)
    assert ball.distance_mm(point + 10, point, point)[0] == pytest.approx(2.0, abs=0.3)
    assert ball.grown(3.0).distance_mm(point + 10, point, point)[0] == pytest.approx(-1.0, abs=0.3)
    (low, high), _, _ = ball.box(1.0)
    assert low <= -9
    assert high >= 9


def test_registration_brings_the_same_bones_onto_themselves(tmp_path: Path) -> None:
    write_person(tmp_path, "shape_1")
    write_person(tmp_path, "shape_2", shift_mm=(3.0, 4.0, 5.0))
    one, other = (read_person(file) for file in find_people(tmp_path))
    fit = register(one, other)
    assert fit.residual_mm < 1.0
    nodes = coarse_nodes()
    near = np.abs(one.fields["hip"].distance_mm(*nodes)) < 6
    assert np.abs(fit.to_donor - nodes)[:, near].mean() < 1.5
