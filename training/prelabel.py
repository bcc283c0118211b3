"""First label maps by a model, for people to correct: what a study begins with when nobody has drawn anything.

Every series of a folder goes through the appliance's own program, so that what is drawn is what the model would answer.
The maps hold the study's values, so that `prepare` takes the corrected ones as they are; the surest cases come last.
"""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import cc3d
import nibabel as nib
import numpy as np
import numpy.typing as npt

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES, NODE_NEGATIVE, NODE_POSITIVE, STATION_LABELS
from training.intake.dicom_index import FoundSeries, index_dicom

MAPS: Final = "maps"
SEGMENTS: Final = "seg"
TABLE: Final = "prelabel.csv"

COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "external_iliac_inguinal": (148, 82, 200),
    "obturator": (60, 170, 80),
    "internal_iliac": (220, 60, 60),
    "node_negative": (60, 110, 230),
    "node_positive": (245, 215, 60),
}
"""As the study draws them (Qiao et al. 2025): stations purple, green, red; nodes blue (negative), yellow (positive)."""

_FIRST_NODE: Final = 100
"""The program's maps number nodes from here on; below, the last digit of a value is the station."""

_SIDE: Final = 10
"""What a side adds to a station's value in the program's maps."""

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Prelabelled:
    """What became of one series."""

    case: str
    """Name of its files."""

    series_uid: str
    uncertainty: float | None
    """0 (sure) to 1; None of a series that was refused."""

    nodes: int
    status: str
    """`labelled`, or the codes that the series was refused with."""


def prelabel(folder: Path, bundle: Path, out: Path, mode: str = "exact") -> Iterator[Prelabelled]:
    """Label every MR series of a folder and yield each as it is done; the table follows, the most uncertain first.

    A series whose map lies there already is not done again. Raises `SettingInvalid` without any MR series, without the
    program `sidewall` beside this one, and without a bundle.
    """
    program = Path(sys.executable).with_name("sidewall")
    if not program.is_file():
        raise SettingInvalid("prelabel", "no program `sidewall` in this environment", "an environment with the runtime")
    if not (bundle / "manifest.json").is_file():
        raise SettingInvalid("bundle", str(bundle), "the folder of a model bundle")
    series = [each for each in index_dicom(folder).series if each.modality == "MR"]
    if not series:
        raise SettingInvalid("dicom", folder.name, "a folder with MR series")
    for part in (MAPS, SEGMENTS):
        (out / part).mkdir(parents=True, exist_ok=True)
    done = []
    for number, each in enumerate(sorted(series, key=lambda found: found.uid), start=1):
        done.append(_label(program, folder, bundle, out, f"case_{number:04d}", each, mode))
        yield done[-1]
    _write_tables(out, done)


def uncertainty(labels: Labels, findings: Mapping[str, Any]) -> float:
    """Return how unsure a map looks, 0 to 1: the mean of the stations' loose shares and of the nodes' doubt.

    labels: (z, y, x) values 1 to 5. What a station has outside its two largest pieces, one a side, is loose: a station
    in islands is one that the model does not know here. A node's doubt is 1 where its probability of being positive is
    a half. Empty stations count as wholly unknown.
    """
    loose = [_loose(labels == value) for value in STATION_LABELS]
    doubts = [1 - abs(2 * node["probability"] - 1) for node in findings["nodes"] if node.get("probability") is not None]
    return float(np.mean([*loose, float(np.mean(doubts))] if doubts else loose))


def study_values(values: npt.NDArray[np.integer], findings: Mapping[str, Any]) -> Labels:
    """Return a map of the program (station and side, nodes by number) in the study's values 1 to 5."""
    stations = np.where(values < _FIRST_NODE, values % _SIDE, 0).astype(np.uint8)
    for node in findings["nodes"]:
        positive = (node.get("probability") or 0.0) >= 0.5
        stations[values == _FIRST_NODE + node["id"]] = NODE_POSITIVE if positive else NODE_NEGATIVE
    return stations


def _label(
    program: Path, folder: Path, bundle: Path, out: Path, case: str, series: FoundSeries, mode: str
) -> Prelabelled:
    target, work = out / MAPS / f"{case}.nii.gz", out / "work" / case
    if not target.is_file():
        work.mkdir(parents=True, exist_ok=True)
        drawn = work / "drawn.nii.gz"
        command = [str(program), "analyze", str(folder), "--series-uid", series.uid, "--bundle", str(bundle)]
        command += ["--out", str(work), "--label-map", str(drawn), "--mode", mode, "--json"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if not drawn.is_file():
            return Prelabelled(case, series.uid, None, 0, _why(work, run.returncode))
        findings = json.loads((work / "findings.json").read_text(encoding="utf-8"))
        image = nib.load(drawn)
        if not isinstance(image, nib.Nifti1Image):
            raise TypeError(f"{drawn.name} is no NIfTI image")
        labels = study_values(np.asarray(image.dataobj), findings)
        for segment in sorted(work.rglob("*seg*.dcm")):
            shutil.copy(segment, out / SEGMENTS / f"{case}.dcm")
        (out / MAPS / f"{case}.json").write_text(json.dumps(findings["nodes"]), encoding="utf-8")
        nib.save(nib.Nifti1Image(labels, image.affine), target)  # type: ignore[no-untyped-call]
        shutil.rmtree(work)
    kept = nib.load(target)
    nodes = json.loads((out / MAPS / f"{case}.json").read_text(encoding="utf-8"))
    labels = np.asarray(kept.dataobj).astype(np.uint8).T  # type: ignore[attr-defined]
    return Prelabelled(case, series.uid, round(uncertainty(labels, {"nodes": nodes}), 4), len(nodes), "labelled")


def _why(work: Path, code: int) -> str:
    """Return the codes that a series was refused with, or the program's exit status."""
    findings = work / "findings.json"
    if not findings.is_file():
        return f"exit status {code}"
    reasons = json.loads(findings.read_text(encoding="utf-8")).get("refusal") or []
    return " ".join(str(reason["code"]) for reason in reasons) or f"exit status {code}"


def _loose(mask: npt.NDArray[np.bool_]) -> float:
    sizes = np.bincount(cc3d.connected_components(np.ascontiguousarray(mask), connectivity=26).reshape(-1))[1:]
    return 1 - float(np.sort(sizes)[-2:].sum() / sizes.sum()) if sizes.size else 1.0


def _write_tables(out: Path, done: list[Prelabelled]) -> None:
    """Write the order of work, the table of cases for `prepare`, and names and colours for ITK-SNAP and 3D Slicer."""
    order = sorted(done, key=lambda each: (each.uncertainty is None, -(each.uncertainty or 0.0), each.case))
    with (out / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Prelabelled)])
        writer.writeheader()
        writer.writerows(asdict(each) for each in order)
    with (out / "cases.csv").open("w", encoding="utf-8", newline="") as file:
        writer_ = csv.writer(file)
        writer_.writerow(("case", "mask", "image"))
        writer_.writerows(
            (each.case, f"{each.case}.nii.gz", each.series_uid) for each in order if each.uncertainty is not None
        )
    named = [(value, name, COLOURS[name]) for name, value in LABEL_NAMES.items() if name in COLOURS]
    slicer = ["0 background 0 0 0 0", *(f"{value} {name} {r} {g} {b} 255" for value, name, (r, g, b) in named)]
    (out / "labels.ctbl").write_text("\n".join(slicer) + "\n", encoding="ascii")
    snap = ['0 0 0 0 0 0 0 "Clear Label"', *(f'{value} {r} {g} {b} 1 1 1 "{name}"' for value, name, (r, g, b) in named)]
    (out / "labels.itksnap.txt").write_text("\n".join(snap) + "\n", encoding="ascii")
