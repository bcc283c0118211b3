"""`python -m benchmarks.station_reference`: how much of each station the demo bundle's training phantoms show.

From their true label maps alone, which takes a fraction of the time that the cases with their images take.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cut_cases import COARSENED
from benchmarks.seeds import seeds_of_option
from core.judging.station_reference import StationSize
from core.labels import Station
from core.volume import canonicalise
from export.references import build_station_reference, whole_sizes
from phantom.case import PhantomOptions, label_case
from training.phantoms import parse_hospitals

app = typer.Typer(add_completion=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON file for `sidewall-export --station-reference`.")],
    seeds: Annotated[str, typer.Option(help="Seeds of the training phantoms.")] = "2000-2399",
    hospitals: Annotated[str, typer.Option(help="Whose scanners; the seeds are dealt to them.")] = "north,east,west",
) -> None:
    """Measure the stations of training phantoms and write the section for the bundle's manifest.

    Example: python -m benchmarks.station_reference --out benchmarks/results/demo_stations.json
    """
    reference = build_station_reference(_sizes(seeds_of_option(seeds), hospitals))
    out.write_text(json.dumps(asdict(reference), indent=1) + "\n", encoding="utf-8")


def _sizes(seeds: tuple[int, ...], hospitals: str) -> Iterator[dict[Station, list[StationSize]]]:
    """Yield the sizes of every case, dealt to hospitals as `sidewall-train prepare` does."""
    dealt = parse_hospitals(hospitals)
    for index, seed in enumerate(seeds):
        options = PhantomOptions(hospital=dealt[index % len(dealt)])
        yield whole_sizes(canonicalise(label_case(seed, options=options, coarsened=COARSENED).labels)[0])


if __name__ == "__main__":
    app()
