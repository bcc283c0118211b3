"""`python -m benchmarks.input_distances`: how far images lie from what a model was trained on, usable ones and others.

Every series is read by its pixels alone, whatever its header says, so that series which reading refuses are told too:
the table shows whether the statistics of the image would have stopped them. Changed copies of the usable series stand
for what only a phantom looks like, and for images that no network should be asked about.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import SimpleITK
import typer
from scipy import ndimage

from base import __version__
from benchmarks.machine import describe_machine
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE, ImageReference
from core.judging.input_statistics import InputReference, distance_sd, measure_input
from core.volume import Volume, canonicalise
from export.cases import image_reference_of, reference_of
from runtime.bundle.loading import load_bundle

Voxels = npt.NDArray[np.float32]
Reference = tuple[str, InputReference, ImageReference]
"""Name, statistics of the training images, and the limits."""

app = typer.Typer(add_completion=False)


def read_pixels(path: Path) -> Volume:
    """Return the image of a folder of DICOM files or of a NIfTI file (its first volume), canonical, of anything."""
    itk: Any = SimpleITK  # untyped
    if path.is_dir():
        image = itk.ReadImage(itk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path)))
    else:
        image = itk.ReadImage(str(path), itk.sitkFloat32)
        image = image[:, :, :, 0] if image.GetDimension() == 4 else image
    x, y, z = image.GetSpacing()
    voxels = itk.GetArrayFromImage(image).astype(np.float32)
    direction = np.asarray(image.GetDirection(), dtype=np.float64).reshape(3, 3)[:, [2, 1, 0]]
    return canonicalise(Volume(voxels - min(float(voxels.min()), 0.0), (z, y, x), image.GetOrigin(), direction))[0]


def _flat(volume: Volume) -> Voxels:
    """Return an image without noise and texture: every voxel the median of its neighbourhood, in eight grey levels."""
    smooth = ndimage.median_filter(volume.voxels, size=(1, 9, 9))
    steps = np.quantile(smooth, np.linspace(0.06, 0.94, 8))
    return np.asarray(steps[np.abs(smooth[..., None] - steps).argmin(axis=-1)], dtype=np.float32)


def _without_noise(volume: Volume) -> Voxels:
    return np.asarray(ndimage.gaussian_filter(volume.voxels, (0, 2.5, 2.5)), dtype=np.float32)


def _inverted(volume: Volume) -> Voxels:
    voxels = volume.voxels.astype(np.float32)
    return np.asarray(np.clip(np.quantile(voxels, 0.995) - voxels, 0, None), dtype=np.float32)


def _noise(volume: Volume) -> Voxels:
    drawn = np.random.default_rng(0).normal(0, float(volume.voxels.std()), volume.shape)
    return np.asarray(np.abs(drawn), dtype=np.float32)


CHANGES: Final[dict[str, Callable[[Volume], Voxels]]] = {
    "flat regions in eight grey levels, as a drawn phantom has them": _flat,
    "noise and fine texture smoothed away": _without_noise,
    "signal inverted": _inverted,
    "noise alone": _noise,
}
"""What is made of a usable series -> how."""


def distances(volume: Volume, references: Sequence[Reference]) -> dict[str, dict[str, Any]]:
    """Return for each reference the distance in SDs and what the two gates on it say."""
    measured = measure_input(volume)
    told = {}
    for name, reference, limits in references:
        distance = distance_sd(reference.deviations(measured))
        told[name] = {
            "distance_sd": round(distance, 2),
            "unlike": distance > reference.distance_p99,
            "far": distance > max(limits.max_distance_sd, reference.distance_p99),
        }
    return told


def rows_of(usable: Sequence[Path], other: Sequence[Path], references: Sequence[Reference]) -> Iterator[dict[str, Any]]:
    """Yield a row per image: usable series, series of another kind, and changed copies of the usable ones."""
    for kind, paths in (("usable", usable), ("another sequence, plane or body part", other)):
        for path in paths:
            yield {"image": path.name, "kind": kind, "told": distances(read_pixels(path), references)}
    for path in usable:
        volume = read_pixels(path)
        for name, change in CHANGES.items():
            changed = replace(volume, voxels=change(volume))
            yield {"image": f"{path.name}: {name}", "kind": "changed", "told": distances(changed, references)}


def markdown(report: dict[str, Any]) -> str:
    """Return the report as a page."""
    names = list(report["references"])
    lines = ["# How far images lie from the training images", ""]
    for name, reference in report["references"].items():
        lines.append(
            f"{name}: {reference['case_count']} training images; beyond {reference['unlike_sd']} SD an image is called "
            f"unlike them (warning), beyond {reference['far_sd']} SD there is no verdict."
        )
    lines += ["", "Distances in SD; * unlike the training images, ** too far for a verdict.", ""]
    lines += [f"| image | kind | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    lines += [
        f"| {row['image']} | {row['kind']} | {' | '.join(_cell(row['told'][name]) for name in names)} |"
        for row in report["images"]
    ]
    return "\n".join([*lines, "", f"`{report['command']}`", ""])


def _cell(told: dict[str, Any]) -> str:
    return f"{told['distance_sd']:.1f}{'**' if told['far'] else '*' if told['unlike'] else ''}"


@app.command()
def main(
    series: Annotated[list[Path], typer.Option(exists=True, help="Folder of a usable series; repeatable.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown table is written beside it.")],
    other: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Series of another kind, or a NIfTI image; repeatable.")
    ] = None,
    bundle: Annotated[
        list[Path] | None, typer.Option(exists=True, file_okay=False, help="Bundle whose reference counts; repeatable.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Training images to make a reference of anew.")
    ] = None,
) -> None:
    """Tell how far series lie from the training images of bundles, or from those of a folder.

    Example: python -m benchmarks.input_distances --bundle models/demo --series tests/data/PX0000_t2_tra --out far.json
    """
    references: list[Reference] = []
    for path in bundle or []:
        opened = load_bundle(path)
        if opened.input_reference is None:
            raise typer.BadParameter(f"{path.name} holds no statistics of its training images", param_hint="--bundle")
        limits = opened.image_reference or DEFAULT_IMAGE_REFERENCE
        references.append((f"{opened.name} {opened.version}", opened.input_reference, limits))
    if images is not None:
        made = reference_of(images, 150)
        references.append((f"images of {images.name}", made, image_reference_of(images, 150, made)))
    if not references:
        raise typer.BadParameter("no bundle and no training images to compare with", param_hint="--bundle, --images")
    report = {
        "command": "python -m benchmarks.input_distances "
        + "".join(f"--bundle {path} " for path in bundle or [])
        + (f"--images {images} " if images else "")
        + "".join(f"--series {path.name} " for path in series)
        + "".join(f"--other {path.name} " for path in other or [])
        + f"--out {out.name}",
        "software_version": __version__,
        "machine": describe_machine(),
        "references": {
            name: {
                "case_count": reference.case_count,
                "unlike_sd": round(reference.distance_p99, 2),
                "far_sd": round(max(limits.max_distance_sd, reference.distance_p99), 2),
            }
            for name, reference, limits in references
        },
        "images": list(rows_of(series, other or [], references)),
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.input_distances")
