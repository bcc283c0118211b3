"""`python -m phantom`: make synthetic patients with known nodes."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from base.streams import answer_alone
from phantom.case import GENERATOR_VERSION, PhantomCase, PhantomOptions, generate_case
from phantom.contact_sheet import contact_sheet
from phantom.dicom_series import series_uid, write_series
from phantom.hospitals import HospitalName
from phantom.nifti import write_nifti
from phantom.people.reading import AnatomyUnusable
from phantom.truth import Contrast, Coverage

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


class OutputFormat(StrEnum):
    """How the image is written."""

    DICOM = "dicom"
    NIFTI = "nifti"
    BOTH = "both"


_HELP = """Make synthetic axial T2-weighted pelvic MRI with exactly known lateral lymph nodes.

Every case goes to its own folder OUT/seed_NNNN: [bold]truth.json[/bold] (every node's side, station, axes and status),
[bold]labels.nii.gz[/bold] and [bold]node_ids.nii.gz[/bold], the image as a DICOM series ([bold]dicom/[/bold]) and, if
wanted, as NIfTI and as a contact sheet. The same seed always gives the same files.

Examples:

  python -m phantom --seed 7 --out out/phantom --contact-sheet

  python -m phantom --seed 1000 --count 20 --format nifti --out out/training

  python -m phantom --seed 7 --out out/phantom --json

  python -m phantom --seed 7 --out out/phantom --anatomy ../shared/data/anatomy
"""


@app.command(help=_HELP)
def main(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first case.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder that receives one folder per case.")
    ],
    count: Annotated[int, typer.Option(min=1, help="Number of cases, with seeds counted up from --seed.")] = 1,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How the image is written; labels are always NIfTI.")
    ] = OutputFormat.DICOM,
    hospital: Annotated[
        HospitalName | None, typer.Option(help="Whose scanner; default: one of those that training draws from.")
    ] = None,
    sheet: Annotated[bool, typer.Option("--contact-sheet", help="Also write contact_sheet.png.")] = False,
    anatomy: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of people's label maps that bodies are made from."),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="With --anatomy: person who gives nothing, by file name; repeatable.")
    ] = None,
    contrast: Annotated[
        Contrast, typer.Option(help="Signals of real T2 images (informed), or any for each tissue (random).")
    ] = "informed",
    coverage: Annotated[
        Coverage, typer.Option(help="What the slices show: a rectal protocol (usual), or any height, tilt and field.")
    ] = "usual",
    as_json: Annotated[bool, typer.Option("--json", help="Print the truth of all cases as JSON, no table.")] = False,
) -> None:
    """Make the cases and say what is in them."""
    truths: list[dict[str, Any]] = []
    console = Console(stderr=True)
    options = PhantomOptions(
        hospital=hospital,
        anatomy=anatomy,
        left_out=tuple(leave_out or ()),
        contrast=contrast,
        coverage=coverage,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for case_seed in progress.track(range(seed, seed + count), description="phantoms"):
            try:
                case = generate_case(case_seed, options=options)
            except AnatomyUnusable as error:
                console.print(str(error), style="red", markup=False)
                raise typer.Exit(code=2) from error
            folder = out / f"seed_{case_seed:04d}"
            try:
                truths.append(write_case(case, folder, output_format, with_contact_sheet=sheet))
            except OSError as error:
                console.print(f"cannot write to {folder}: {error.strerror}", style="red", markup=False)
                raise typer.Exit(code=1) from error
    if as_json:
        typer.echo(json.dumps(truths, indent=2))
    else:
        Console().print(_truth_table(truths))


def write_case(
    case: PhantomCase, folder: Path, output_format: OutputFormat, *, with_contact_sheet: bool
) -> dict[str, Any]:
    """Write all files of a case into a folder (made when absent) and return what stands in its truth.json."""
    folder.mkdir(parents=True, exist_ok=True)
    if output_format in (OutputFormat.DICOM, OutputFormat.BOTH):
        write_series(case, folder / "dicom")
    if output_format in (OutputFormat.NIFTI, OutputFormat.BOTH):
        write_nifti(case.image, folder / "image.nii.gz")
    write_nifti(case.labels, folder / "labels.nii.gz")
    write_nifti(case.node_ids, folder / "node_ids.nii.gz")
    if with_contact_sheet:
        contact_sheet(case).save(folder / "contact_sheet.png")
    truth = describe_truth(case)
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return truth


def describe_truth(case: PhantomCase) -> dict[str, Any]:
    """Return the truth of a case as JSON-ready values; lengths in mm, positions in LPS mm."""
    made_from = {"people": list(case.people)} if case.people else {}
    return {
        "generator_version": GENERATOR_VERSION,
        "seed": case.seed,
        **made_from,
        "hospital": case.hospital,
        "series_instance_uid": str(series_uid(case)),
        "patient_positive": case.patient_positive,
        "nodes": [asdict(node) for node in case.nodes],
        "acquisition": asdict(case.acquisition),
    }


def _truth_table(truths: list[dict[str, Any]]) -> Table:
    table = Table(title="Synthetic patients: the truth")
    for name in ("seed", "node", "side", "station", "axes, mm", "features", "status"):
        table.add_column(name, justify="right" if name in {"seed", "node", "axes, mm"} else "left")
    for truth in truths:
        for node in truth["nodes"]:
            table.add_row(str(truth["seed"]), *_node_cells(node))
        if not truth["nodes"]:
            table.add_row(str(truth["seed"]), "-", "", "", "", "", "no nodes")
        table.add_section()
    return table


def _node_cells(node: dict[str, Any]) -> tuple[str, ...]:
    features = [name for name, key in (("border", "irregular_border"), ("signal", "heterogeneous_signal")) if node[key]]
    return (
        str(node["id"]),
        node["side"],
        node["station"].replace("_", " "),
        f"{node['short_axis_mm']:.1f} x {node['long_axis_mm']:.1f}",
        ", ".join(features),
        node["status"],
    )


if __name__ == "__main__":
    with answer_alone():
        app(prog_name="python -m phantom")
