"""Tissue signal of the phantom beside that of real T2 series, both relative to pelvic fat.

The real signal is read in discs picked by hand (`real_regions.csv`) in series of the ProstateX collection: Litjens et
al., "ProstateX Challenge data", TCIA 2017, doi 10.7937/K9TCIA.2017.MURS5CL (CC BY 3.0).
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pydicom
import typer
from rich.console import Console
from rich.progress import track
from scipy import ndimage

from core.volume import Volume, canonicalise
from phantom.anatomy import TISSUES
from phantom.case import GENERATOR_VERSION, PhantomCase, generate_case

REFERENCE = "pelvic_fat"
"""Tissue that the others are divided by: present in every series, and beside every lateral node."""

_MARGIN_MM = 1.0
"""In-plane margin taken off a phantom tissue, so that partial volume at its border does not count."""

_VESSEL_MARGIN_MM = 2.5
"""Margin of vessels: the discs lie in the middle of the great ones, small ones have no lumen that could be read."""

_LEAST_VOXELS = 30
"""Fewest voxels from which a phantom tissue is read."""


@dataclass(frozen=True)
class Region:
    """A disc in one slice of a real series, well inside one tissue."""

    series: str
    """Folder of the series."""
    tissue: str
    slice: int
    """From the feet, 0-based."""
    row: int
    column: int
    radius: int
    """In voxels."""


@dataclass(frozen=True)
class SignalRange:
    """What a tissue's signal is, relative to pelvic fat."""

    low: float
    mean: float
    high: float
    samples: int
    """Real: discs. Phantom: cases."""
    noise_sd: float
    """Median robust standard deviation between neighbouring voxels of a sample, relative to pelvic fat."""


@dataclass(frozen=True)
class _Sample:
    signal: float
    noise_sd: float


@cache
def regions() -> tuple[Region, ...]:
    """Return the discs picked by hand."""
    with Path(__file__).with_name("real_regions.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            Region(row["series"], row["tissue"], *(int(row[key]) for key in ("slice", "row", "column", "radius")))
            for row in csv.DictReader(lines)
        )


def real_ranges(folder: Path) -> dict[str, SignalRange]:
    """Return each tissue's range over all discs, from the folder that holds the ProstateX series."""
    samples: dict[str, list[_Sample]] = defaultdict(list)
    for series in sorted({region.series for region in regions()}):
        voxels = _read_slices(folder / series)
        own = [region for region in regions() if region.series == series]
        measured = [(region.tissue, _sample(voxels[region.slice], _disc(region, voxels.shape[1:]))) for region in own]
        _add_relative(samples, measured)
    return _ranges(samples)


def phantom_ranges(cases: Iterable[PhantomCase]) -> dict[str, SignalRange]:
    """Return each real region's tissue as the phantom has it: the range of its median over the cases."""
    wanted = {region.tissue for region in regions()}
    samples: dict[str, list[_Sample]] = defaultdict(list)
    for case in cases:
        image, tissues = canonicalise(case.image)[0], canonicalise(case.tissues)[0]
        measured = []
        for tissue in sorted(wanted):
            margin_mm = _VESSEL_MARGIN_MM if tissue == "vessel" else _MARGIN_MM
            mask = _eroded(tissues, TISSUES[tissue], margin_mm)
            if mask.sum() >= _LEAST_VOXELS:
                measured.append((tissue, _sample(image.voxels, mask)))
        _add_relative(samples, measured)
    return _ranges(samples)


def markdown_table(real: Mapping[str, SignalRange], phantom: Mapping[str, SignalRange]) -> str:
    """Return both as one Markdown table."""
    lines = [
        "| tissue / pelvic fat | real: mean (range) | noise SD | phantom: mean (range) | noise SD |",
        "|---|---|---|---|---|",
    ]
    for tissue, of_real in real.items():
        cells = [tissue.replace("_", " ")]
        for found in (of_real, phantom.get(tissue)):
            cells += (
                [f"{found.mean:.2f} ({found.low:.2f}-{found.high:.2f})", f"{found.noise_sd:.3f}"] if found else ["", ""]
            )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _read_slices(folder: Path) -> npt.NDArray[np.float32]:
    """Return a classic axial series as (z, y, x), from the feet; no rescaling is needed, since ratios are taken."""
    slices = [pydicom.dcmread(path) for path in folder.glob("*.dcm")]
    slices.sort(key=lambda header: float(header.ImagePositionPatient[2]))
    return np.stack([header.pixel_array for header in slices]).astype(np.float32)


def _disc(region: Region, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    disc: npt.NDArray[np.bool_] = np.hypot(rows - region.row, columns - region.column) <= region.radius
    return disc


def _eroded(tissues: Volume, value: int, margin_mm: float) -> npt.NDArray[np.bool_]:
    """Return a tissue's voxels at least a margin away from any other tissue in their slice."""
    steps = max(round(margin_mm / tissues.spacing_mm[1]), 1)
    cross = ndimage.generate_binary_structure(2, 1)[None]
    mask: npt.NDArray[np.bool_] = ndimage.binary_erosion(tissues.voxels == value, cross, iterations=steps)
    return mask


def _sample(voxels: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> _Sample:
    """Return the median signal and the noise between neighbours along the last axis (median absolute difference).

    The median, because veins with slow flow are bright beside the flow voids that vessels mostly are.
    """
    values = voxels.astype(np.float32)
    steps = np.diff(values, axis=-1)[mask[..., 1:] & mask[..., :-1]]
    # 1.4826 turns the median absolute deviation of a normal variable into its SD; a difference has twice the variance.
    noise_sd = 1.4826 * float(np.median(np.abs(steps))) / np.sqrt(2) if steps.size else 0.0
    return _Sample(float(np.median(values[mask])), float(noise_sd))


def _add_relative(samples: dict[str, list[_Sample]], measured: Sequence[tuple[str, _Sample]]) -> None:
    """Divide one image's samples by its own pelvic fat and add them."""
    fat = float(np.mean([sample.signal for tissue, sample in measured if tissue == REFERENCE]))
    for tissue, sample in measured:
        samples[tissue].append(_Sample(sample.signal / fat, sample.noise_sd / fat))


def _ranges(samples: Mapping[str, Sequence[_Sample]]) -> dict[str, SignalRange]:
    ranges = {}
    for tissue in sorted(samples):
        signal = [sample.signal for sample in samples[tissue]]
        noise_sd = float(np.median([sample.noise_sd for sample in samples[tissue]]))
        ranges[tissue] = SignalRange(min(signal), float(np.mean(signal)), max(signal), len(signal), noise_sd)
    return ranges


def _as_json(ranges: Mapping[str, SignalRange]) -> dict[str, Any]:
    return {tissue: {key: round(value, 4) for key, value in vars(found).items()} for tissue, found in ranges.items()}


def main(
    real: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Folder with the ProstateX series.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON file that receives the figures.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of phantoms, seeds 0 and up.")] = 20,
) -> None:
    """Measure tissue signal in real series and phantoms and print the table of docs/phantom.md.

    Example: python -m phantom.contrast --real data/prostatex_t2 --out benchmarks/results/phantom_contrast.json
    """
    console = Console(stderr=True)
    cases = (generate_case(seed) for seed in track(range(seeds), description="phantoms", console=console))
    measured_real, measured_phantom = real_ranges(real), phantom_ranges(cases)
    report = {
        "command": f"python -m phantom.contrast --real {real.name} --out {out} --seeds {seeds}",
        "generator_version": GENERATOR_VERSION,
        "seeds": f"0-{seeds - 1}",
        "real": _as_json(measured_real),
        "phantom": _as_json(measured_phantom),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    typer.echo(markdown_table(measured_real, measured_phantom))


if __name__ == "__main__":
    typer.run(main)
