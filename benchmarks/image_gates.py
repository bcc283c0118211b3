"""`python -m benchmarks.image_gates`: the gates on the image itself, on sound images and on planted faults.

Sound images are clean phantoms of all five hospitals and the real series at hand; none of the gates on slices, areas,
grey levels and distance should warn. Faults are planted into some of them, and each has to be told. The limits were
chosen on phantoms of other seeds: how close they come to the limits is told for both.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from base import __version__
from benchmarks.artefact_faults import ARTEFACTS, FAINT, WITHOUT_VERDICT
from benchmarks.fault_verdicts import LabelledImage
from benchmarks.gate_cases import CLEAN, CLEAN_IN_WORDS
from benchmarks.image_faults import FAULTS, SOUND, Planting
from benchmarks.machine import describe_machine
from benchmarks.seeds import seeds_of_option
from core.findings import Gate
from core.judging.gates import check_input
from core.judging.image_check import ImageCheck, examine_image
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE, ImageReference
from core.judging.input_statistics import InputReference
from core.reading import read_series
from core.site_choices import IMAGE_GATES
from core.volume import Volume, canonicalise
from phantom.case import GENERATOR_VERSION, generate_case
from phantom.hospitals import HOSPITALS
from runtime.bundle.loading import load_bundle

_CODES: Final = tuple(code.value for code in IMAGE_GATES)

app = typer.Typer(add_completion=False)


def labelled_phantom(seed: int) -> LabelledImage:
    """Return a clean phantom, of the hospitals in turn, with its true label map."""
    names = list(HOSPITALS)
    case = generate_case(seed, options=replace(CLEAN, hospital=names[seed % len(names)]))
    return LabelledImage(case.image, case.labels)


def hospital_image(seed: int, keep: Path | None = None) -> Volume:
    """Return the image of a clean phantom, of the hospitals in turn; from a folder where it was kept before."""
    path = None if keep is None else keep / f"{seed}.npz"
    if path is not None and path.is_file():
        kept = np.load(path, allow_pickle=False)
        z, y, x = (float(value) for value in kept["spacing"])
        a, b, c = (float(value) for value in kept["origin"])
        return Volume(kept["voxels"], (z, y, x), (a, b, c), kept["direction"])
    image = labelled_phantom(seed).image
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        spacing, origin = np.asarray(image.spacing_mm), np.asarray(image.origin_lps_mm)
        np.savez(path, voxels=image.voxels, spacing=spacing, origin=origin, direction=image.direction)
    return image


def gates_of(
    volume: Volume, reference: InputReference | None, limits: ImageReference
) -> tuple[tuple[Gate, ...], ImageCheck]:
    """Return the outcomes of the gates on the image itself, and what they are made from."""
    check = examine_image(volume, limits)
    of_input = check_input(volume, reference, limits)
    return tuple(gate for gate in (*of_input, *check.gates) if gate.code in _CODES), check


def examine(name: str, volume: Volume, reference: InputReference | None, limits: ImageReference) -> dict[str, Any]:
    """Return what the gates say of one sound image, and how close it comes to the limits."""
    started_s = time.process_time()
    gates, check = gates_of(volume, reference, limits)
    seconds = time.process_time() - started_s
    distance = next((gate.score for gate in gates if gate.code == "far_from_training"), None)
    return {
        "image": name,
        "fired": {gate.code: gate.message for gate in gates if gate.outcome != "pass"},
        "distance_sd": None if distance is None else round(distance, 2),
        "grey_levels": check.odd.grey_levels,
        "margin": round(check.odd.margin, 3),
        "processor_s": round(seconds, 2),
    }


def judge_planting(planting: Planting, volume: Volume, limits: ImageReference) -> bool:
    """Return whether the gates say of a planted image what they have to."""
    check = examine_image(volume.with_voxels(planting.change(volume)), limits)
    fired = {gate.code for gate in check.gates if gate.outcome != "pass"}
    return bool(fired & planting.gates) if planting.gates else not fired


def _series(folders: Iterable[Path]) -> Iterator[tuple[str, Volume]]:
    for folder in folders:
        yield folder.name, canonicalise(read_series(folder).volume)[0]


def _told(hosts: Sequence[tuple[str, Volume]], limits: ImageReference, console: Console) -> list[dict[str, Any]]:
    """Return of how many images the gates say of each planting what they have to."""
    return [
        {
            "what": planting.name,
            "must_warn": bool(planting.gates),
            "images": len(hosts),
            "right": sum(judge_planting(planting, volume, limits) for _, volume in hosts),
        }
        for planting in track((*FAULTS, *ARTEFACTS, *SOUND, *FAINT), "plantings", console=console)
    ]


def _withheld(seeds: Iterable[int], limits: ImageReference, console: Console) -> list[dict[str, Any]]:
    """Return of how many phantoms each planting keeps the verdict back."""
    labelled = [case for seed in seeds if (case := labelled_phantom(seed)).is_whole]
    return [
        {
            "what": planting.name,
            "must_be": must_be,
            "images": len(labelled),
            "withheld": sum(case.is_withheld(planting, limits) for case in labelled),
        }
        for must_be, plantings in ((True, (*FAULTS, *ARTEFACTS, *WITHOUT_VERDICT)), (False, (*SOUND, *FAINT)))
        for planting in track(plantings, "verdicts", console=console)
    ]


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Bundle whose image statistics are compared with.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown table is written beside it.")],
    seeds: Annotated[str, typer.Option(help="Seeds of the clean phantoms.")] = "0-299",
    chosen_on: Annotated[str, typer.Option(help="Seeds that the limits were chosen on.")] = "1000-1039",
    every: Annotated[int, typer.Option(min=1, help="Faults go into every so-many-th of the clean phantoms.")] = 20,
    series: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Folder of a real series; may be repeated.")
    ] = None,
    verdicts: Annotated[str, typer.Option(help="Seeds of the phantoms whose true label maps tell the verdicts.")] = "3",
    keep: Annotated[Path | None, typer.Option(help="Folder that keeps the phantoms' images for another run.")] = None,
) -> None:
    """Count alarms on sound images, and what is told of planted faults.

    Example: python -m benchmarks.image_gates --bundle models/demo --series tests/data/PX0000_t2_tra --out gates.json
    """
    console = Console(stderr=True)
    opened = load_bundle(bundle)
    reference, limits = opened.input_reference, opened.image_reference or DEFAULT_IMAGE_REFERENCE
    real = list(_series(series or []))
    wanted = seeds_of_option(seeds)
    parts = {
        name: [
            examine(str(seed), hospital_image(seed, keep), reference, limits)
            for seed in track(chosen, name, console=console)
        ]
        for name, chosen in (("clean", wanted), ("chosen_on", seeds_of_option(chosen_on)))
    }
    hosts = [(str(seed), hospital_image(seed, keep)) for seed in wanted[::every]] + real
    told = _told(hosts, limits, console)
    withheld = _withheld(seeds_of_option(verdicts), limits, console)
    options = (
        f"--bundle {bundle} --seeds {seeds} --chosen-on {chosen_on} --every {every} --verdicts {verdicts} --out {out}"
    )
    report = {
        "command": f"python -m benchmarks.image_gates {options}",
        "clean_means": CLEAN_IN_WORDS,
        "generator_version": GENERATOR_VERSION,
        "software_version": __version__,
        "machine": describe_machine(),
        "limits": {name: getattr(limits, name) for name in limits.__dataclass_fields__},
        "plantings": told,
        "verdicts": withheld,
        "real": [examine(name, volume, reference, limits) for name, volume in real],
        **parts,
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    typer.echo(text)


def markdown(report: dict[str, Any]) -> str:
    """Return the report as a page."""
    lines = [
        "# The gates on the image itself",
        "",
        f"Clean phantoms of all five hospitals in turn: {report['clean_means']}.",
        "Synthetic images, but for the real series.",
        "",
        "| images | number | of them warned of | largest distance, SD | fewest grey levels | largest margin |",
        "|---|---|---|---|---|---|",
        *(
            _row(words, report[name])
            for name, words in (
                ("clean", "clean phantoms"),
                ("real", "real series"),
                ("chosen_on", "phantoms that the limits were chosen on"),
            )
            if report[name]
        ),
        "",
        f"Limits: {', '.join(f'{name} {value:g}' for name, value in report['limits'].items())}.",
        "",
    ]
    for must_warn, heading in ((True, "Planted faults"), (False, "Unusual, and sound")):
        lines += [f"## {heading}", "", f"| what | images | {'told' if must_warn else 'let pass'} |", "|---|---|---|"]
        rows = [each for each in report["plantings"] if each["must_warn"] == must_warn]
        lines += [f"| {each['what']} | {each['images']} | {each['right']} |" for each in rows]
        lines.append("")
    lines += [
        "## Verdicts by the true label map",
        "",
        "| what | phantoms | without a verdict | right |",
        "|---|---|---|---|",
    ]
    for each in report["verdicts"]:
        right = each["images"] if each["must_be"] else 0
        lines.append(f"| {each['what']} | {each['images']} | {each['withheld']} | {right} |")
    lines.append("")
    return "\n".join([*lines, f"`{report['command']}`", ""])


def _row(words: str, images: list[dict[str, Any]]) -> str:
    alarms = [each for each in images if each["fired"]]
    named = f" ({', '.join(each['image'] for each in alarms)})" if alarms else ""
    distances = [each["distance_sd"] for each in images if each["distance_sd"] is not None]
    far = f"{max(distances):.1f}" if distances else ""
    fewest, margin = min(each["grey_levels"] for each in images), max(each["margin"] for each in images)
    return f"| {words} | {len(images)} | {len(alarms)}{named} | {far} | {fewest:.0f} | {margin:.3f} |"


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.image_gates")
