"""`python -m benchmarks.evaluate_real`: how plausible a bundle's answer is on real series that nobody has labelled.

Nothing here is an accuracy. The landmarks of `real_landmarks.csv` say whether stations lie where their vessels and fat
are and keep clear of organs; volumes, pieces of the raw label map and two repeats of one series say whether they are
of one piece, of a sensible size and the same twice.
"""

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Final

import cc3d
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track

from base import __version__
from base.errors import SidewallError
from base.exit_status import exit_status
from benchmarks.machine import describe_machine
from benchmarks.real_landmarks import ask, disagreement_mm, landmarks, landmarks_of
from benchmarks.real_report import markdown
from benchmarks.running import Mode, Setup, describe_model
from core.labels import STATION_LABELS, Side
from core.measuring.stations import fill_stations
from runtime.analysis.case import AboutCase, CaseInput, CaseResult
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.inference.model import LoadedModel
from runtime.results.regions import CaseRegions

SECTION_CM2: Final[dict[str, tuple[float, float]]] = {
    "external_iliac": (3.0, 14.0),
    "obturator": (1.5, 9.0),
    "internal_iliac": (1.5, 13.0),
}
"""Mean section of a station over the slices that show it: half of the smallest to about double the largest that the
borders of FACTS give between a sidewall's muscles and organs. A section, since series cut stations at any height."""

SIDE_RATIO: Final = 2.0
"""Most that the larger side of a station may have of the smaller one's volume."""

SIDES: Final[tuple[Side, ...]] = ("right", "left")

SAME_NODE_MM: Final = 4.0
"""Nodes of two repeats whose centres are this close are one: a slice, or half of a node of 8 mm."""

BoolArray = npt.NDArray[np.bool_]

app = typer.Typer(add_completion=False)


def examine(name: str, result: CaseResult) -> dict[str, Any]:
    """Return all that is told of one analysed series; of a refused one only why."""
    if result.regions is None:
        return {"series": name, "refused": [str(reason.code) for reason in result.findings.refusal]}
    answers = ask(result.regions.labels, landmarks_of(name))
    return {
        "series": name,
        "inside": _tally([answer.right for answer in answers if answer.landmark.inside]),
        "organs_free": _tally([answer.right for answer in answers if not answer.landmark.inside]),
        "by_station": by_station(answers),
        "wrong": [
            {"structure": each.landmark.structure, "side": each.landmark.side, "found": list(each.found)}
            for each in answers
            if not each.right
        ],
        "stations": describe_stations(result.regions),
        "nodes": [
            {"side": node.side, "station": node.station, "short_axis_mm": round(node.short_axis_mm, 1)}
            for node in result.findings.nodes
        ],
    }


def station_masks(regions: CaseRegions) -> dict[tuple[str, Side], BoolArray]:
    """Return the voxels (z, y, x) of every station and side in the raw arg-max, with the holes of nodes filled."""
    stations = fill_stations(regions.labels.voxels, regions.labels.spacing_mm)
    left = _left(regions)
    return {
        (station, side): (stations == value) & (left if side == "left" else ~left)
        for value, station in STATION_LABELS.items()
        for side in SIDES
    }


def describe_stations(regions: CaseRegions) -> list[dict[str, Any]]:
    """Return volume, mean section and largest piece of every station and side, in label order."""
    masks = station_masks(regions)
    rows = []
    for (station, side), mask in masks.items():
        other = masks[station, "left" if side == "right" else "right"]
        rows.append(
            {
                "station": station,
                "side": side,
                "volume_ml": round(float(mask.sum()) * regions.labels.voxel_volume_mm3 / 1000, 1),
                "section_cm2": round(_section_cm2(mask, regions), 2),
                "section_plausible": bool(_within(_section_cm2(mask, regions), SECTION_CM2[station])),
                "sides_alike": bool(_ratio(mask, other) <= SIDE_RATIO),
                "largest_piece": round(largest_piece(mask), 3),
                "pieces": int(cc3d.connected_components(mask, connectivity=26).max()),
            }
        )
    return rows


def largest_piece(mask: BoolArray) -> float:
    """Return the share of a mask (z, y, x) in its largest piece (26 neighbours); 0 of an empty one."""
    sizes = np.bincount(cc3d.connected_components(mask, connectivity=26).reshape(-1))[1:]
    return float(sizes.max() / sizes.sum()) if sizes.size else 0.0


def compare_repeats(first: CaseResult, second: CaseResult) -> dict[str, Any]:
    """Return station Dice and shared nodes of two series of one patient on one grid."""
    if first.regions is None or second.regions is None or not first.regions.image.same_grid(second.regions.image):
        raise ValueError("two repeats are compared on one grid, and neither may be refused")
    masks = [station_masks(each.regions) for each in (first, second) if each.regions is not None]
    dice = {
        f"{side} {station}": round(_dice(mask, masks[1][station, side]), 3)
        for (station, side), mask in masks[0].items()
    }
    places = [
        np.array([node.centroid_lps_mm for node in each.findings.nodes]).reshape(-1, 3) for each in (first, second)
    ]
    distance = np.linalg.norm(places[0][:, None] - places[1][None], axis=2)
    shared = int((distance.min(axis=1) <= SAME_NODE_MM).sum()) if distance.size else 0
    return {"station_dice": dice, "nodes": [len(places[0]), len(places[1])], "same_nodes": shared}


def _left(regions: CaseRegions) -> BoolArray:
    """Return which voxels lie to the patient's left of the midline, or of the image's middle where none is trusted."""
    if not regions.midline.trusted:
        return np.broadcast_to(np.arange(regions.labels.shape[2]) >= regions.labels.shape[2] / 2, regions.labels.shape)
    index = np.moveaxis(np.indices(regions.labels.shape).astype(np.float32), 0, -1)
    return np.asarray(regions.midline.distance_mm(regions.labels.index_to_lps_mm(index)) > 0)


def _section_cm2(mask: BoolArray, regions: CaseRegions) -> float:
    shown = int(mask.any(axis=(1, 2)).sum())
    _, y, x = regions.labels.spacing_mm
    return float(mask.sum()) * y * x / 100 / shown if shown else 0.0


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _ratio(one: BoolArray, other: BoolArray) -> float:
    low, high = sorted((int(one.sum()), int(other.sum())))
    return high / low if low else np.inf


def _dice(one: BoolArray, other: BoolArray) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def _tally(right: Sequence[bool]) -> dict[str, int]:
    return {"right": sum(right), "of": len(right)}


def by_station(answers: Sequence[Any]) -> dict[str, dict[str, int]]:
    """Return for each station, or pair of them in alphabetical order, how many of its landmarks are right."""
    inside = [(" or ".join(sorted(each.landmark.stations)), each.right) for each in answers if each.landmark.inside]
    return {kind: _tally([right for of, right in inside if of == kind]) for kind in sorted({of for of, _ in inside})}


def _run(model: LoadedModel, folders: Sequence[Path], console: Console) -> dict[str, CaseResult]:
    return {
        folder.name: analyze_case(CaseInput(DicomSeries(folder), AboutCase(folder.name)), model)
        for folder in track(folders, "real series", console=console)
    }


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model bundle.")],
    series: Annotated[list[Path], typer.Option(exists=True, file_okay=False, help="Folder of a series; repeatable.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown table is written beside it.")],
    before: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Report of an earlier bundle, shown beside it.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="How closely the reference is followed.")] = "exact",
    backend: Annotated[str | None, typer.Option(help="Inference backend; the best one installed if not given.")] = None,
) -> None:
    """Tell how plausible a bundle is on real series: landmarks, organs, volumes, pieces, repeats.

    Series whose folders begin alike up to `_series` are repeats of one another.

    Example: python -m benchmarks.evaluate_real --bundle models/demo --series tests/data/PX0000_t2_tra --out real.json
    """
    try:
        model = Setup.of(bundle, backend, mode, 1).load()
        results = _run(model, series, Console(stderr=True))
    except SidewallError as error:
        typer.echo(f"{error.code}: {error}", err=True)
        raise typer.Exit(code=exit_status(error)) from error
    used = [each for each in landmarks() if each.series in results]
    report = {
        "command": f"python -m benchmarks.evaluate_real --bundle {bundle} --mode {mode} --out {out.name} "
        + " ".join(f"--series {folder.name}" for folder in series),
        "software_version": __version__,
        "model": describe_model(model),
        "machine": describe_machine(),
        "landmarks": len(used),
        "landmark_disagreement_mm": disagreement_mm(used) if used else None,
        "section_cm2": {name: list(limits) for name, limits in SECTION_CM2.items()},
        "side_ratio": SIDE_RATIO,
        "series": [examine(name, result) for name, result in results.items()],
        "repeats": {
            f"{one}, {other}": compare_repeats(results[one], results[other])
            for one, other in combinations(results, 2)
            if "_series" in one and one.partition("_series")[0] == other.partition("_series")[0]
        },
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    earlier = None if before is None else json.loads(before.read_text(encoding="utf-8"))
    text = markdown(report, earlier)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.evaluate_real")
