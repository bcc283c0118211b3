"""Label maps of people from a folder, brought into one body frame: origin between the femoral heads, z to the head.

Two forms are read. A `labels.json` beside NIfTI maps names the values of each family of maps; a map belongs to the
family that its file name begins with. A folder of one NIfTI mask per structure, named as TotalSegmentator writes them
(`hip_left.nii.gz`, ...), is one person too. `structures.csv` says which structure becomes part of which field.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import edt
import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from phantom.fields import Field, around, field_of_mask
from phantom.people.keeping import digest_of, keep, recall
from phantom.shapes import Points

BONES: Final = ("hip", "femur", "sacrum")
"""Fields that every person must have: the registration is driven by them."""

VESSELS: Final = ("artery_left", "artery_right", "vein_left", "vein_right")
DEEP_MUSCLES: Final = ("obturator_internus", "piriformis")

_HEAD_ZONE_MM: Final = 55.0
"""The femoral head lies this far at most below the highest point of its femur."""

_PARTS: Final = ("tenths", "low_mm")
"""What is kept of a field."""

Labels = npt.NDArray[np.uint8]


class AnatomyUnusable(ValueError):
    """A folder of label maps from which no bodies can be made; the message says what was looked for and found."""


@dataclass(frozen=True, eq=False)
class Person:
    """One person's structures in the body frame."""

    name: str
    """File or folder name without its ending."""

    digest: str
    """Of the files that the person was read from."""

    fields: Mapping[str, Field]
    """By the names of `structures.csv`, and `outline` where the map tells body from air."""

    @property
    def gives_vessels(self) -> bool:
        """Whether iliac arteries and veins of both sides are known."""
        return all(name in self.fields for name in VESSELS)

    @property
    def gives_deep_muscles(self) -> bool:
        """Whether obturator internus, piriformis and the body's outline are known."""
        return all(name in self.fields for name in (*DEEP_MUSCLES, "outline"))


@dataclass(frozen=True)
class PersonFile:
    """Where a person's map lies and what its values mean."""

    path: Path
    values: tuple[tuple[int, str], ...]
    """Value and structure; empty for a folder of one mask per structure."""

    @property
    def name(self) -> str:
        """Return the name that the person goes by."""
        return self.path.name.removesuffix(".gz").removesuffix(".nii")


@cache
def field_of_structure() -> dict[str, str]:
    """Return the table: structure -> field."""
    with Path(__file__).with_name("structures.csv").open(encoding="utf-8", newline="") as lines:
        return {row["structure"]: row["field"] for row in csv.DictReader(lines)}


def find_people(folder: Path) -> tuple[PersonFile, ...]:
    """Return the people of a folder by name; raises `AnatomyUnusable` when there are none."""
    table = folder / "labels.json"
    families = json.loads(table.read_text(encoding="utf-8")) if table.is_file() else {}
    found = []
    for path in sorted(folder.glob("*.nii.gz")):
        family = next((name for name in families if path.name.startswith(name)), None)
        if family is not None:
            values = tuple((int(value), name) for value, name in families[family].items())
            found.append(PersonFile(path, values))
    found += [PersonFile(path, ()) for path in sorted(folder.iterdir()) if (path / "hip_left.nii.gz").is_file()]
    if not found:
        raise AnatomyUnusable(
            f"no label maps of people in {folder.name}: wanted labels.json with NIfTI maps (*.nii.gz) whose names "
            "begin as it says, or folders of TotalSegmentator masks (hip_left.nii.gz, ...)"
        )
    return tuple(found)


@lru_cache(maxsize=8)
def read_person(file: PersonFile) -> Person:
    """Return a person in the body frame; raises `AnatomyUnusable` without hip bones, femora or sacrum."""
    key = digest_of(file.path)
    kept = recall(key)
    if kept is None:
        kept = {f"{name} {part}": getattr(field, part) for name, field in _fields(file).items() for part in _PARTS}
        keep(key, kept)
    names = dict.fromkeys(name.partition(" ")[0] for name in kept)
    return Person(file.name, key, {name: Field(kept[f"{name} tenths"], kept[f"{name} low_mm"]) for name in names})


def _fields(file: PersonFile) -> dict[str, Field]:
    labels, affine, names = _read_labels(file)
    fields = sorted({field_of_structure()[name] for name in names.values() if name in field_of_structure()})
    missing = [name for name in BONES if name not in fields]
    if missing:
        raise AnatomyUnusable(f"{file.name} has no {' and no '.join(missing)}: bodies need hip, femur and sacrum")
    number_of = {name: number for number, name in enumerate(fields, start=1)}
    table = np.zeros(256, np.uint8)
    for value, name in names.items():
        table[value] = number_of.get(field_of_structure().get(name, ""), 0)
    merged = table[labels]
    frame = body_frame(merged == number_of["femur"], merged == number_of["sacrum"], affine)
    to_voxel = np.linalg.inv(affine) @ frame
    found: dict[str, Field] = {}
    for name, box in zip(fields, ndimage.find_objects(merged, len(fields)), strict=True):
        if box is not None:
            found[name] = _field(merged, number_of[name], box, affine, to_voxel)
    if "other_body" in names.values():
        whole = (labels > 0).astype(np.uint8)
        found["outline"] = _field(whole, 1, tuple(slice(0, n) for n in whole.shape), affine, to_voxel)
    return found


def _field(labels: Labels, value: int, box: tuple[slice, ...], affine: Points, to_voxel: Points) -> Field:
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    voxel_mm = (float(steps[0]), float(steps[1]), float(steps[2]))
    wide = around(box, voxel_mm, labels.shape)
    first = np.array([part.start for part in wide], dtype=np.float64)
    return field_of_mask(labels[wide] == value, first, to_voxel, voxel_mm)


def body_frame(femur: npt.NDArray[np.bool_], sacrum: npt.NDArray[np.bool_], affine: Points) -> Points:
    """Return the 4x4 matrix from body x, y, z to LPS mm, from masks (i, j, k) and their 4x4 voxel-to-LPS affine.

    The centres of the femoral heads are those of the largest balls inside the upper ends of the femora.
    """
    middle = float((np.argwhere(sacrum).mean(axis=0) @ affine[:3, :3].T + affine[:3, 3])[0])
    heads = sorted(_head_centres(femur, middle, affine), key=lambda centre: float(centre[0]))
    right, left = heads
    x = (left - right) / np.linalg.norm(left - right)
    z = np.array([0.0, 0.0, 1.0]) - x[2] * x
    z /= np.linalg.norm(z)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = x, np.cross(z, x), z, (left + right) / 2
    return frame


def _head_centres(femur: npt.NDArray[np.bool_], middle_x: float, affine: Points) -> Iterator[Points]:
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    box = ndimage.find_objects(femur.astype(np.uint8))[0]
    part = np.ascontiguousarray(np.pad(femur[box], 1))
    depth = edt.edt(part, anisotropy=tuple(float(step) for step in steps))[1:-1, 1:-1, 1:-1]
    index = np.argwhere(femur[box])
    depths = depth[tuple(index.T)]
    places = (index + [axis.start for axis in box]) @ affine[:3, :3].T + affine[:3, 3]
    for here in (places[:, 0] < middle_x, places[:, 0] >= middle_x):
        if not here.any():
            raise AnatomyUnusable("femora lie on one side only: bodies need both femoral heads")
        high = here & (places[:, 2] > places[here, 2].max() - _HEAD_ZONE_MM)
        best = depths[high] > 0.97 * depths[high].max()
        yield np.asarray(places[high][best].mean(axis=0))


def _read_labels(file: PersonFile) -> tuple[Labels, Points, dict[int, str]]:
    """Return the map (i, j, k), its 4x4 affine to LPS mm and what its values mean."""
    names = dict(file.values)
    if names:
        image = _load(file.path)
        return np.asarray(image.dataobj).astype(np.uint8), _to_lps(image.affine), names
    wanted = [name for name in field_of_structure() if (file.path / f"{name}.nii.gz").is_file()]
    labels: Labels | None = None
    for value, name in enumerate(wanted, start=1):
        image = _load(file.path / f"{name}.nii.gz")
        mask = np.asarray(image.dataobj) > 0
        labels = np.zeros(mask.shape, np.uint8) if labels is None else labels
        if mask.shape != labels.shape:
            raise AnatomyUnusable(f"{file.name}: {name} has the shape {mask.shape}, the masks before it {labels.shape}")
        labels[mask] = value
    if labels is None:
        raise AnatomyUnusable(f"{file.name} holds none of the structures of structures.csv")
    return labels, _to_lps(image.affine), dict(enumerate(wanted, start=1))


def _load(path: Path) -> nib.Nifti1Image:
    image = nib.load(path)
    if not isinstance(image, nib.Nifti1Image):
        raise AnatomyUnusable(f"{path.name} is no NIfTI image")
    return image


def _to_lps(affine: Points) -> Points:
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine, dtype=np.float64)
