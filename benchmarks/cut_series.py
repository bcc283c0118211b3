"""`python -m benchmarks.cut_series`: a series that does not show the nodes is never answered `negative`.

Every way to lose slices or columns is tried: the k lowest slices alone, the k highest, either half, every second and
third slice. By the true label maps of phantoms in all these ways, by a model on the hardest cuts, and on a real series
of too few slices. An interrupted run of the model goes on where it stopped.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track

from base import __version__
from base.errors import SidewallError
from base.exit_status import exit_status
from benchmarks.cut_cases import COARSENED, ModelCase, ModelCut, TruthCase, cut_by_model, cut_truth
from benchmarks.running import Ledger, Mode, Setup, describe_model, fill
from benchmarks.seeds import seeds_of_option
from core.judging.station_reference import DEFAULT_STATION_REFERENCE, StationReference
from core.reading import read_series
from phantom.case import GENERATOR_VERSION
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import BareVolume, DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.bundle.manifest_reading import parse_stations
from runtime.inference.model import LoadedModel

app = typer.Typer(add_completion=False)

REAL_SERIES: Final = Path(__file__).parents[1] / "tests" / "data" / "PX0000_t2_tra"
LARGEST_LOSS: Final = 0.02
"""Share of whole phantoms that may lose a `negative`."""


def summarise_truth(cases: Sequence[TruthCase]) -> dict[str, Any]:
    """Return how many cuts hid positive nodes and were answered `negative`, and which uncut series could not be."""
    return {
        "phantoms": len(cases),
        "positive_phantoms": sum(case.positive for case in cases),
        "cuts": sum(case.cuts for case in cases),
        "cuts_that_hide_all_positive_nodes": sum(case.hiding for case in cases),
        "of_these_negative": _negative(cases),
        "of_these_with_inguinal_nodes_alone": _negative([case for case in cases if case.inguinal_alone]),
        "uncut_series_that_lose_a_negative": {
            "regional stations end within the slices": _loss(cases, lambda case: case.whole),
            "planned from end to end of the pelvis": _loss(cases, lambda case: not case.truncated),
            "all": _loss(cases, lambda case: True),
        },
    }


def _negative(cases: Sequence[TruthCase]) -> dict[int, list[str]]:
    return {case.seed: list(case.false_negatives) for case in cases if case.false_negatives}


def _loss(cases: Sequence[TruthCase], counts: Callable[[TruthCase], bool]) -> dict[str, Any]:
    lost = [case.seed for case in cases if counts(case) and not case.enough]
    total = sum(map(counts, cases))
    return {"phantoms": total, "lost": len(lost), "share": round(len(lost) / total, 4) if total else None}


def summarise_model(cases: Sequence[ModelCase]) -> dict[str, Any]:
    """Return what a model's findings say of the hardest cuts."""
    cuts = [(case.seed, cut) for case in cases for cut in case.cuts]
    statuses = sorted({cut.status for _, cut in cuts})
    return {
        "phantoms": sum(bool(case.cuts) for case in cases),
        "cuts": len(cuts),
        "statuses": {status: sum(cut.status == status for _, cut in cuts) for status in statuses},
        "negative": [f"seed {seed}: {cut.cut}" for seed, cut in cuts if cut.status == "negative"],
        "incompletely_seen": sum(cut.incompletely_seen for _, cut in cuts),
        "cases": [asdict(case) for case in cases if case.cuts],
    }


def real_series(model: LoadedModel) -> dict[str, Any]:
    """Return what is said of the real series, once as the patient that it is and once as if it were a phantom."""
    series = read_series(REAL_SERIES)
    told = analyze_case(CaseInput(DicomSeries(REAL_SERIES)), model).findings
    as_phantom = analyze_case(
        CaseInput(BareVolume(series.volume, is_phantom=True), AboutCase("real series")), model
    ).findings
    return {
        "slices": series.volume.shape[0],
        "status": told.status,
        "status_if_it_were_a_phantom": as_phantom.status,
        "incompletely_seen": as_phantom.incompletely_seen,
        "stations": {f"{each.side} {each.station}": each.reason or "enough" for each in as_phantom.assessed},
    }


def examine_truth(
    seeds: Sequence[int], reference: StationReference | None, jobs: int, *, with_cuts: bool = True
) -> list[TruthCase]:
    """Return what is answered to every phantom, and to its cuts if wanted, by that many processes."""
    examine = partial(cut_truth, reference=reference, with_cuts=with_cuts)
    shown = partial(track, description="label maps", total=len(seeds), console=Console(stderr=True))
    if jobs == 1:
        return list(shown(map(examine, seeds)))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(shown(pool.map(examine, seeds)))


def read_model_case(line: str) -> ModelCase:
    """Return the record that a line of a ledger holds."""
    fields = json.loads(line)
    cuts = (ModelCut(**cut | {"reasons": tuple(cut["reasons"])}) for cut in fields["cuts"])
    return ModelCase(fields["seed"], tuple(cuts))


def passed(report: dict[str, Any]) -> bool:
    """Return whether no cut that hides a lateral node was negative, and few whole phantoms lost their `negative`."""
    truth, model = report["truth"], report.get("model_on_cuts")
    lost = truth["uncut_series_that_lose_a_negative"]["regional stations end within the slices"]
    by_model = model is None or (not model["negative"] and report["real_series"]["incompletely_seen"])
    lateral = set(truth["of_these_negative"]) - set(truth["of_these_with_inguinal_nodes_alone"])
    return not lateral and (lost["share"] or 0) <= LARGEST_LOSS and by_model


@app.command()
def main(
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report.")],
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model bundle.")] = Path("models/demo"),
    seeds: Annotated[str, typer.Option(help="Seeds of the phantoms cut by their true label maps.")] = "9000-9499",
    model_seeds: Annotated[
        str | None, typer.Option(help="Seeds of those that the model is asked about; default none.")
    ] = None,
    stations: Annotated[
        Path | None, typer.Option(exists=True, help="JSON file in place of the bundle's station reference.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="How closely the reference is followed.")] = "fast",
    backend: Annotated[str | None, typer.Option(help="Inference backend; the best one installed if not given.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the cores are shared out among them.")] = 1,
    whole_alone: Annotated[bool, typer.Option(help="Look at whole phantoms alone, and cut none.")] = False,
) -> None:
    """Cut phantoms in every way and look for a `negative` that hides a positive node.

    The exit status is 1 when there is one, unless the node lies below the lateral compartments, or when more than 2 %
    of the whole phantoms lose their `negative`.

    Example: python -m benchmarks.cut_series --seeds 9000-9499 --out benchmarks/results/cut_series.json
    """
    console = Console(stderr=True)
    wanted = seeds_of_option(seeds)
    asked = seeds_of_option(model_seeds) if model_seeds else ()
    setup = Setup.of(bundle, backend, mode, jobs)
    try:
        model = setup.load()
        reference = model.station_reference
        if stations is not None:
            reference = parse_stations(json.loads(stations.read_text(encoding="utf-8")))
        report: dict[str, Any] = {
            "software_version": __version__,
            "generator_version": GENERATOR_VERSION,
            "seeds": seeds,
            "model_seeds": model_seeds,
            "pixels_of_label_maps_coarsened": COARSENED,
            "model": describe_model(model),
            "station_reference": asdict(reference or DEFAULT_STATION_REFERENCE),
            "truth": summarise_truth(examine_truth(wanted, reference, jobs, with_cuts=not whole_alone)),
        }
        if asked:
            identity = {"digest": model.bundle.digest, "software": __version__, "mode": mode}
            ledger = Ledger(out.with_suffix(".partial.jsonl"), identity, read_model_case)
            report["model_on_cuts"] = summarise_model(fill(ledger, setup, asked, jobs, cut_by_model, console))
            report["real_series"] = real_series(model)
            ledger.remove()
    except SidewallError as error:
        console.print(f"{error.code}: {error}", style="red", markup=False)
        raise typer.Exit(code=exit_status(error)) from error
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps({name: report[name] for name in ("truth", "real_series") if name in report}, indent=1))
    if not passed(report):
        raise typer.Exit(code=1)


if __name__ == "__main__":
    app()
