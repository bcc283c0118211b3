"""Stations and nodes as a label map for 3D Slicer and ITK-SNAP: NIfTI or NRRD, with names and colours.

Values: 11 external iliac, 12 obturator, 13 internal iliac on the right; 21 to 23 on the left; 31 to 33 where no side is
known; 100 and the number of the node for a node. None of them is a value that `sidewall score` takes for another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sidewall.vocabulary import Colour

from base.errors import SettingInvalid
from base.storage import written_aside
from base.system_errors import system_error
from core.labels import STATION_LABELS, Side
from core.reading.volume_files import LPS_FROM_RAS
from core.volume import FloatArray, Volume
from runtime.analysis.case import CaseResult
from runtime.results.palette import STATION_COLOURS, STATUS_COLOURS
from runtime.results.words import RESEARCH_WORDS, describe_station

_SIDES: Final[dict[Side, int]] = {"right": 10, "left": 20, "unknown": 30}
_FIRST_NODE: Final = 100
_SUFFIXES: Final = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd")
_ALLOWED: Final = "a file name that ends in .nii, .nii.gz or .nrrd"


@dataclass(frozen=True)
class NamedLabel:
    """One value of a label map."""

    value: int
    name: str
    colour: Colour
    """RGB, 0 to 255."""


def check_label_map(file: Path) -> Path:
    """Return the name of a label map to write; raises `SettingInvalid` where its ending or folder will not do."""
    if not file.name.lower().endswith(_SUFFIXES):
        raise SettingInvalid("label map", str(file), _ALLOWED)
    if not file.absolute().parent.is_dir():
        raise SettingInvalid("label map", str(file), "a file in a folder that is there")
    return file


def write_label_map(file: Path, result: CaseResult) -> tuple[Path, ...]:
    """Write the label map of an analysed case on the grid of its images, and return every file written.

    ITK-SNAP takes names and colours from the label descriptions beside it (`.itksnap.txt`), 3D Slicer from the NRRD
    file itself or, for NIfTI, from the colour table beside it (`.ctbl`). All are written or none. Raises
    `SettingInvalid` on another ending, `SystemFailed` where nothing can be written, and `ValueError` for a refused
    case, which has no regions.
    """
    check_label_map(file)
    labels, volume = labels_of(result)
    suffix = next(suffix for suffix in _SUFFIXES if file.name.lower().endswith(suffix))
    stem = file.name[: -len(suffix)]
    descriptions, table = file.with_name(f"{stem}.itksnap.txt"), file.with_name(f"{stem}.ctbl")
    try:
        with written_aside(file.parent) as aside:
            if suffix.endswith("nrrd"):
                _write_nrrd(aside / file.name, volume, labels)
            else:
                _write_nifti(aside / file.name, volume)
                (aside / table.name).write_text(_colour_table(labels), encoding="ascii")
            (aside / descriptions.name).write_text(_label_descriptions(labels), encoding="ascii")
    except OSError as error:
        allowed = f"a file that can be written ({type(error).__name__})"
        raise system_error(error, str(file)) or SettingInvalid("label map", str(file), allowed) from error
    return (file, descriptions) if suffix.endswith("nrrd") else (file, table, descriptions)


def labels_of(result: CaseResult) -> tuple[tuple[NamedLabel, ...], Volume]:
    """Return the names of the values, and the values (uint16) on the grid of the images (slice, row, column)."""
    regions = result.regions
    if regions is None or result.labels is None:
        raise ValueError("a refused case has no label map")
    values = np.zeros(regions.labels.shape, dtype=np.uint16)
    label_of = {station: value for value, station in STATION_LABELS.items()}
    labels = []
    for (station, side), mask in regions.station_masks().items():
        value = _SIDES[side] + label_of[station]
        values[mask] = value
        labels.append(NamedLabel(value, describe_station(station, side), STATION_COLOURS[station]))
    for node in result.findings.nodes:
        values[regions.instances.voxels == node.id] = _FIRST_NODE + node.id
        name = f"node {node.id} {describe_station(node.station, node.side)}"
        labels.append(NamedLabel(_FIRST_NODE + node.id, name, STATUS_COLOURS[node.status]))
    return tuple(labels), result.labels.with_voxels(regions.to_source_grid(values))


def _write_nifti(file: Path, volume: Volume) -> None:
    import nibabel

    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = LPS_FROM_RAS @ _axes(volume), LPS_FROM_RAS @ np.asarray(volume.origin_lps_mm)
    image = nibabel.Nifti1Image(np.ascontiguousarray(volume.voxels.T), affine)  # type: ignore[no-untyped-call]
    image.set_sform(affine, code=1)  # type: ignore[no-untyped-call]
    image.set_qform(affine, code=1)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    image.header["descrip"] = RESEARCH_WORDS.encode("ascii")
    nibabel.save(image, file)


def _write_nrrd(file: Path, volume: Volume, labels: Sequence[NamedLabel]) -> None:
    import nrrd

    header: dict[str, Any] = {
        "space": "left-posterior-superior",
        "space directions": _axes(volume).T,
        "space origin": np.asarray(volume.origin_lps_mm),
        "kinds": ["domain"] * 3,
        "encoding": "gzip",
        "content": RESEARCH_WORDS,
    }
    for index, label in enumerate(labels):
        header |= _segment_fields(index, label, volume.shape)
    nrrd.write(str(file), np.ascontiguousarray(volume.voxels.T), header)


def _segment_fields(index: int, label: NamedLabel, shape: tuple[int, int, int]) -> Mapping[str, str]:
    """Return the header fields by which 3D Slicer knows a segment."""
    z, y, x = shape
    prefix = f"Segment{index}_"
    return {
        f"{prefix}ID": f"Segment_{label.value}",
        f"{prefix}Name": label.name,
        f"{prefix}NameAutoGenerated": "0",
        f"{prefix}LabelValue": str(label.value),
        f"{prefix}Layer": "0",
        f"{prefix}Color": " ".join(f"{part / 255:.6g}" for part in label.colour),
        f"{prefix}ColorAutoGenerated": "0",
        f"{prefix}Extent": f"0 {x - 1} 0 {y - 1} 0 {z - 1}",
        f"{prefix}Tags": "Segmentation.Status:inprogress|",
    }


def _axes(volume: Volume) -> FloatArray:
    """Return the steps along voxel indices (i, j, k), i running along a row, as columns in LPS mm."""
    steps: FloatArray = (volume.direction * np.asarray(volume.spacing_mm))[:, ::-1]
    return steps


def _colour_table(labels: Sequence[NamedLabel]) -> str:
    """Return a colour table of 3D Slicer: value, name without spaces, red, green, blue, opacity."""
    rows = ["# Sidewall: stations and nodes", f"# {RESEARCH_WORDS}", "0 background 0 0 0 0"]
    rows += [f"{each.value} {each.name.replace(' ', '_')} {_rgb(each.colour)} 255" for each in labels]
    return "\n".join(rows) + "\n"


def _label_descriptions(labels: Sequence[NamedLabel]) -> str:
    """Return a label description file of ITK-SNAP: value, red, green, blue, opacity, visible, mesh visible, name."""
    rows = ["# ITK-SnAP Label Description File", f"# {RESEARCH_WORDS}", '0 0 0 0 0 0 0 "Clear Label"']
    rows += [f'{each.value} {_rgb(each.colour)} 1 1 1 "{each.name}"' for each in labels]
    return "\n".join(rows) + "\n"


def _rgb(colour: Colour) -> str:
    return " ".join(str(part) for part in colour)
