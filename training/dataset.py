"""Images and masks in nnU-Net's raw form, canonically oriented."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import SimpleITK

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES
from core.volume import Volume, canonicalise
from training.workspace import Workspace, write_json

FILE_ENDING = ".nii.gz"

Part = Literal["Tr", "Ts"]
"""nnU-Net's endings of the folders of training cases and of cases held out."""

_LPS_OF_ITK = [2, 1, 0]
"""Array axes (z, y, x) in ITK's order (x, y, z)."""


MADE_WITH: Final = "sidewall_made_with"
"""Where a `dataset.json` of `make-cases` says what its cases were made with; nothing of another's is taken over."""


@dataclass(frozen=True)
class RawDataset:
    """What `dataset.json` says beyond nnU-Net's own fields."""

    trained_on: str
    """`phantom` or `clinical`; travels into the bundle's manifest."""

    source: dict[str, Any]
    """Where the cases came from: generator version and seeds, or the number of imported cases."""


def import_cases(workspace: Workspace, source: Path, trained_on: str) -> Iterator[str]:
    """Copy a dataset in nnU-Net's raw form, canonicalising every image and mask; yields each case's name.

    Raises `SettingInvalid` when the folder is not in that form, has other labels, or an image and its mask differ in
    grid.
    """
    description = _read_description(source)
    ending = description["file_ending"]
    names = sorted(path.name.removesuffix(ending) for path in (source / "labelsTr").glob(f"*{ending}"))
    if not names:
        raise SettingInvalid("source", str(source), f"a folder with labelsTr/*{ending}")
    for name in names:
        image_path = source / "imagesTr" / f"{name}_0000{ending}"
        if not image_path.is_file():
            raise SettingInvalid("source", str(source), f"an image imagesTr/{image_path.name} for every mask")
        write_case(workspace.raw, name, read_volume(image_path), read_volume(source / "labelsTr" / f"{name}{ending}"))
        yield name
    write_description(workspace, names, RawDataset(trained_on, {"cases": len(names)} | description.get(MADE_WITH, {})))


def write_case(raw: Path, name: str, image: Volume, labels: Volume, part: Part = "Tr") -> None:
    """Write one image and its label map in canonical orientation, to train on (Tr) or held out (Ts).

    Raises `SettingInvalid` when the grids differ or the label map holds an unknown value.
    """
    if not image.same_grid(labels):
        raise SettingInvalid("case", name, "an image and a mask on the same grid")
    unknown = sorted(set(np.unique(labels.voxels).tolist()) - set(LABEL_NAMES.values()))
    if unknown:
        raise SettingInvalid("case", name, f"label values {sorted(LABEL_NAMES.values())}, got also {unknown}")
    canonical_image, _ = canonicalise(image)
    canonical_labels, _ = canonicalise(labels)
    image_path, mask_path = image_path_of(raw, name, part), label_path(raw, name, part)
    for folder in (image_path.parent, mask_path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    write_volume(image_path, canonical_image)
    write_volume(mask_path, canonical_labels.with_voxels(canonical_labels.voxels.astype(np.uint8)))


def read_volume(path: Path) -> Volume:
    """Read any image that SimpleITK reads, as it is stored (not canonicalised)."""
    image: Any = SimpleITK.ReadImage(str(path))
    spacing, origin = image.GetSpacing(), image.GetOrigin()
    direction = np.asarray(image.GetDirection(), dtype=np.float64).reshape(3, 3)[:, _LPS_OF_ITK]
    return Volume(
        voxels=SimpleITK.GetArrayFromImage(image),
        spacing_mm=(spacing[2], spacing[1], spacing[0]),
        origin_lps_mm=(origin[0], origin[1], origin[2]),
        direction=direction,
    )


def write_volume(path: Path, volume: Volume) -> None:
    """Write a volume as NIfTI; the file appears only when it is complete."""
    image: Any = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.voxels))
    image.SetSpacing([float(volume.spacing_mm[axis]) for axis in _LPS_OF_ITK])
    image.SetOrigin(list(volume.origin_lps_mm))
    image.SetDirection(volume.direction[:, _LPS_OF_ITK].ravel().tolist())
    part = path.with_name("part_" + path.name)
    SimpleITK.WriteImage(image, str(part), useCompression=True, compressionLevel=1)
    part.replace(path)


def label_path(raw: Path, name: str, part: Part = "Tr") -> Path:
    """Return where a case's label map lies."""
    return raw / f"labels{part}" / f"{name}{FILE_ENDING}"


def image_path_of(raw: Path, name: str, part: Part = "Tr") -> Path:
    """Return where a case's image lies."""
    return raw / f"images{part}" / f"{name}_0000{FILE_ENDING}"


def write_description(workspace: Workspace, names: Sequence[str], dataset: RawDataset) -> None:
    """Write nnU-Net's dataset.json; cases on disk that are not named stay out of the training."""
    content = {
        "name": workspace.dataset,
        "channel_names": {"0": "T2"},
        "labels": LABEL_NAMES,
        "file_ending": FILE_ENDING,
        "overwrite_image_reader_writer": "SimpleITKIO",
        "numTraining": len(names),
        "dataset": {
            name: {
                "images": [f"imagesTr/{name}_0000{FILE_ENDING}"],
                "label": f"labelsTr/{name}{FILE_ENDING}",
            }
            for name in names
        },
        "trained_on": dataset.trained_on,
        "source": dataset.source,
    }
    write_json(workspace.raw / "dataset.json", content)


def _read_description(source: Path) -> dict[str, Any]:
    path = source / "dataset.json"
    if not path.is_file():
        raise SettingInvalid(
            "source", str(source), "a folder with dataset.json, imagesTr and labelsTr (nnU-Net's raw form)"
        )
    content: dict[str, Any] = json.loads(path.read_text())
    labels = content.get("labels", {})
    if labels != LABEL_NAMES:
        raise SettingInvalid("labels", labels, str(LABEL_NAMES))
    if len(content.get("channel_names", {})) != 1:
        raise SettingInvalid("channel_names", content.get("channel_names"), "one channel, T2")
    return content
