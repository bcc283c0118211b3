"""`python -m benchmarks.labelled_cases`: how few labelled cases are enough, on phantoms.

Folds that start from random weights and folds that start from a bundle learn from 5, 10, 20 and 40 labelled phantoms of
a hospital, or of people, that the bundle has never seen; three draws each. Every fold is trained until twice as many
epochs no longer raise its score on watched phantoms, and measured on twenty others. A run takes many hours, on a GPU
too; an interrupted one goes on where it stopped.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from base import __version__
from base.errors import SidewallError
from base.exit_status import exit_status
from benchmarks.few_labels import (
    DRAWS,
    LABELLED,
    MARGIN,
    PLACES,
    SIZES,
    STARTS,
    TESTED,
    WATCHED,
    CaseCounts,
    Place,
    Start,
    at_plateau,
    counts_of,
    draw_labelled,
    enough,
    lay_out,
    make_case,
    name_of,
    options_of,
    to_plain,
    watched_score,
    with_interval,
)
from benchmarks.machine import describe_machine
from phantom.case import GENERATOR_VERSION
from phantom.people.reading import find_people
from training import evaluation
from training.config import ModelConfig, load_config
from training.dataset import image_path_of, label_path
from training.workspace import Workspace, write_json

Curve = dict[Start, dict[int, dict[str, list[float]]]]
"""Start -> labelled cases -> figure -> mean, lower and upper end of its interval."""

_DATASET = "Dataset502_FewLabels"

app = typer.Typer(add_completion=False)


class Study:
    """The runs of one place: where they lie and what they are trained with."""

    def __init__(self, work: Path, place: Place, config: ModelConfig, how: dict[str, Any]) -> None:
        """Take the folder of all runs, the place, the config and the options of the command."""
        self.folder, self.place, self.config, self.how = work / place, place, config, how

    def workspace(self, start: Start, size: int) -> Workspace:
        """Return where the folds of one start and number of cases lie, one fold per draw."""
        return Workspace(self.folder / f"{start}_{size}", _DATASET, self.config.name)

    def prepare(self, start: Start, size: int) -> Workspace:
        """Return that workspace with its cases ready to be trained on."""
        workspace = self.workspace(start, size)
        if workspace.snapshot_file.is_file():
            return workspace
        anatomy: Path | None = self.how["anatomy"]
        people = [] if anatomy is None else [person.name for person in find_people(anatomy)]
        options = options_of(self.place, anatomy, people)
        draws = [draw_labelled(size, draw) for draw in range(DRAWS)]
        for seed in sorted({*TESTED, *WATCHED}.union(*draws)):
            _link(self.folder / "cases", workspace.raw, make_case(self.folder / "cases", seed, options))
        kept_out = [name_of(seed) for seed in (*WATCHED, *TESTED)]
        lay_out(workspace, self.config, [[name_of(seed) for seed in draw] for draw in draws], kept_out)
        return workspace

    def measured(self, start: Start, size: int, draw: int) -> tuple[list[CaseCounts], list[float]]:
        """Return a fold's counts on the tested cases at its plateau, and its watched scores on the way there."""
        workspace = self.prepare(start, size)
        scores: list[float] = []
        epochs: int = self.how["first_epochs"]
        while True:
            counts = self._at(workspace, start, draw, epochs)
            watched = {name_of(seed) for seed in WATCHED}
            scores.append(watched_score([each for each in counts if each.case in watched]))
            if at_plateau(scores) or 2 * epochs > self.how["most_epochs"]:
                return [each for each in counts if each.case not in watched], scores
            epochs *= 2

    def _at(self, workspace: Workspace, start: Start, draw: int, epochs: int) -> list[CaseCounts]:
        """Return what a fold does after so many epochs; it is trained that far unless it was measured there."""
        kept = workspace.root / f"draw_{draw}_epochs_{epochs}.json"
        if not kept.is_file():
            self._train(workspace, start, draw, epochs)
            work = [(draw, name_of(seed)) for seed in (*WATCHED, *TESTED)]
            for _ in evaluation.predict_all(workspace, work, 1, self.how["device"]):
                pass
            figures = evaluation.measure_all(workspace, work, 1.0, self.how["processes"])
            write_json(kept, to_plain(sorted(map(counts_of, figures), key=lambda each: each.case)))
        return [CaseCounts(**each) for each in json.loads(kept.read_text(encoding="utf-8"))]

    def _train(self, workspace: Workspace, start: Start, draw: int, epochs: int) -> None:
        command = [str(Path(sys.executable).with_name("sidewall-train")), "fit", "--config", self.how["config"]]
        command += ["--work", str(workspace.root), "--dataset", _DATASET, "--folds", str(draw)]
        command += ["--epochs", str(epochs), "--device", self.how["device"]]
        command += ["--learning-rate", str(self.how["rate_of"][start])]
        if start == "bundle":
            command += ["--start-from", str(self.how["bundle"])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _link(cases: Path, raw: Path, name: str) -> None:
    """Have a raw case in a workspace without a second copy of it."""
    for file, linked in ((place(cases, name), place(raw, name)) for place in (image_path_of, label_path)):
        linked.parent.mkdir(parents=True, exist_ok=True)
        linked.unlink(missing_ok=True)
        linked.hardlink_to(file)


def curve_of(study: Study, sizes: Sequence[int], console: Console) -> tuple[Curve, list[dict[str, Any]]]:
    """Return the curve of one place and what every run did."""
    curve: Curve = {start: {} for start in STARTS}
    runs: list[dict[str, Any]] = []
    for size in sizes:
        for start in STARTS:
            draws = []
            for draw in range(DRAWS):
                console.print(f"{study.place}: {size} labelled cases, from {start}, draw {draw + 1}", highlight=False)
                counts, scores = study.measured(start, size, draw)
                draws.append(counts)
                runs.append({"place": study.place, "start": start, "cases": size, "draw": draw, "watched": scores})
                runs[-1] |= {"plateau": at_plateau(scores), "tested": to_plain(counts)}
            curve[start][size] = with_interval(draws)
    return curve, runs


def markdown(report: dict[str, Any]) -> str:
    """Return the report as a page; every sentence says that its figures are of phantoms."""
    lines = [
        "# How few labelled cases are enough, on phantoms",
        "",
        f"On phantoms: one fold from random weights against one that starts from {report['bundle']}, "
        f"{DRAWS} draws each, measured on {len(TESTED)} other phantoms of the same place.",
        "On phantoms, enough is the fewest cases from the bundle that lie within the margin of the fold from scratch "
        f"with {max(SIZES)}: {', '.join(f'{name} {margin:g}' for name, margin in MARGIN.items())}.",
        "On phantoms, the brackets hold 95 % intervals (bootstrap of draws and of phantoms). Of patients none of this "
        "says anything.",
        "",
    ]
    for place, curve in report["curves"].items():
        lines += [f"## {place}, on phantoms", "", "| labelled cases | start | station Dice | sensitivity | precision |"]
        lines += ["|---|---|---|---|---|", *_rows(curve), ""]
        told = [f"{name} {size or 'none of these'}" for name, size in report["enough"][place].items()]
        lines += [f"Enough, on phantoms: {', '.join(told)}.", ""]
    below = [run for run in report["runs"] if not run["plateau"]]
    lines += [f"On phantoms, {len(below)} of {len(report['runs'])} folds had not reached their plateau.", ""]
    return "\n".join([*lines, f"`{report['command']}`", ""])


def _rows(curve: dict[str, Any]) -> Iterator[str]:
    for start, sizes in curve.items():
        for size, figures in sizes.items():
            cells = (f"{mean:.3f} ({low:.3f}-{high:.3f})" for mean, low, high in figures.values())
            yield f"| {size} | {start} | {' | '.join(cells)} |"


def _places(place: list[str] | None, anatomy: Path | None) -> list[Place]:
    """Return where phantoms are made, in their order; raises `typer.BadParameter` on another place."""
    places = [each for each in PLACES if place is None or each in place]
    if not places or (place is not None and set(place) - set(PLACES)):
        raise typer.BadParameter(f"got {', '.join(place or [])}; allowed: {', '.join(PLACES)}", param_hint="--place")
    if "people" in places and anatomy is None:
        raise typer.BadParameter("the place people needs a folder of label maps", param_hint="--anatomy")
    return places


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Bundle that one arm starts from.")],
    work: Annotated[Path, typer.Option(file_okay=False, help="Folder of all runs; grows to some GB.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown page is written beside it.")],
    place: Annotated[list[str] | None, typer.Option(help="south, harbour or people; repeatable; default: all.")] = None,
    anatomy: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of people's label maps, for `people`.")
    ] = None,
    config: Annotated[str, typer.Option(help="Config of the bundle's network, without a shared run.")] = "leg",
    scratch_rate: Annotated[float, typer.Option(min=1e-7, max=1, help="First rate from random weights.")] = 2e-3,
    bundle_rate: Annotated[float, typer.Option(min=1e-7, max=1, help="First rate from the bundle.")] = 1e-3,
    first_epochs: Annotated[int, typer.Option(min=1, help="Epochs after which a fold is first measured.")] = 40,
    most_epochs: Annotated[int, typer.Option(min=1, help="Epochs that no fold is trained beyond.")] = 640,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    processes: Annotated[int, typer.Option(min=1, help="Processes that measure predictions.")] = 2,
) -> None:
    """Train and measure all folds; a run that was stopped goes on with the fold and epoch it was at.

    Example: python -m benchmarks.labelled_cases --bundle models/demo --work work/few --place south --out few.json
    """
    places = _places(place, anatomy)
    how: dict[str, Any] = {
        "bundle": bundle,
        "anatomy": anatomy,
        "config": config,
        "device": device,
        "processes": processes,
    }
    how |= {"first_epochs": first_epochs, "most_epochs": most_epochs}
    how |= {"rate_of": {"scratch": scratch_rate, "bundle": bundle_rate}}
    curves: dict[str, Curve] = {}
    runs: list[dict[str, Any]] = []
    try:
        settings = load_config(config)
        for each in places:
            curves[each], of_place = curve_of(Study(work, each, settings, how), SIZES, Console(stderr=True))
            runs += of_place
    except SidewallError as error:
        typer.echo(f"{error.code}: {error}", err=True)
        raise typer.Exit(code=exit_status(error)) from error
    report = {
        "command": f"python -m benchmarks.labelled_cases --bundle {bundle} --first-epochs {first_epochs}"
        + f" --most-epochs {most_epochs} --config {config} --scratch-rate {scratch_rate:g}"
        + f" --bundle-rate {bundle_rate:g} --device {device}"
        + "".join(f" --place {each}" for each in places),
        "software_version": __version__,
        "generator_version": GENERATOR_VERSION,
        "machine": describe_machine(),
        "bundle": str(bundle),
        "labelled_seeds": [LABELLED.start, LABELLED.stop - 1],
        "margin": MARGIN,
        "curves": curves,
        "enough": {each: enough(curve) for each, curve in curves.items()},
        "runs": runs,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, report)
    text = markdown(report)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.labelled_cases")
