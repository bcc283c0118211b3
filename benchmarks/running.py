"""What every run over many phantoms shares: a bundle loaded once per process, progress, and records on disk."""

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from base.processors import usable_processors
from runtime.bundle.loading import load_bundle
from runtime.inference.model import LoadedModel, load_model

Mode = Literal["exact", "fast"]


class Record(Protocol):
    """What was found on one phantom; a frozen dataclass."""

    @property
    def seed(self) -> int:
        """Seed of the phantom."""
        ...


RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True)
class Setup:
    """What is run; enough for a worker process to load it."""

    bundle: Path
    backend: str | None
    """None takes the best one installed."""
    mode: Mode
    threads: int

    @classmethod
    def of(cls, bundle: Path, backend: str | None, mode: Mode, jobs: int) -> "Setup":
        """Return the set-up of one of `jobs` processes, which share out the cores."""
        return cls(bundle, backend, mode, max(usable_processors() // jobs, 1))

    def load(self) -> LoadedModel:
        """Return the model; raises `BundleRejected` or `BackendUnavailable`."""
        return load_model(load_bundle(self.bundle), self.backend, self.mode, self.threads)


def describe_model(model: LoadedModel) -> dict[str, Any]:
    """Return what a report says of the model."""
    bundle = model.bundle
    return {
        "name": bundle.name,
        "version": bundle.version,
        "digest": bundle.digest,
        "trained_on": bundle.trained_on,
        "backend": model.backend_name,
        "mode": model.mode,
        "folds": model.fold_count,
        "rules": asdict(bundle.rules),
    }


def examine_each(
    setup: Setup, seeds: Sequence[int], jobs: int, examine: Callable[[LoadedModel, int], RecordT]
) -> Iterator[RecordT]:
    """Yield the record of every seed, in order, made by that many processes; `examine` must be known by its name."""
    if jobs == 1:
        model = setup.load()
        yield from (examine(model, seed) for seed in seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=(setup, examine)) as pool:
        yield from pool.map(_examine_in_worker, seeds)


class _Worker:
    """The model of this worker process, loaded once when the process starts, and what is done with it."""

    model: LoadedModel
    examine: Callable[[LoadedModel, int], Any]


def _start_worker(setup: Setup, examine: Callable[[LoadedModel, int], Any]) -> None:
    _Worker.model, _Worker.examine = setup.load(), staticmethod(examine)


def _examine_in_worker(seed: int) -> Any:
    return _Worker.examine(_Worker.model, seed)


class Ledger(Generic[RecordT]):
    """Records on disk, one line each, so that an interrupted run goes on where it stopped."""

    def __init__(self, path: Path, identity: dict[str, Any], read: Callable[[str], RecordT]) -> None:
        """Open or begin the ledger at `path`; records of anything but `identity` are thrown away."""
        self.path = path
        header = json.dumps(identity, sort_keys=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.records: dict[int, RecordT] = {}
        if lines and lines[0] == header:
            for line in lines[1:]:
                record = read(line)
                self.records[record.seed] = record
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(header + "\n", encoding="utf-8")

    def add(self, record: RecordT) -> None:
        """Keep a record, on disk before this returns."""
        self.records[record.seed] = record
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(record)) + "\n")  # type: ignore[call-overload]

    def remove(self) -> None:
        """Delete the file once the report is written."""
        self.path.unlink()


def fill(
    ledger: Ledger[RecordT],
    setup: Setup,
    seeds: Sequence[int],
    jobs: int,
    examine: Callable[[LoadedModel, int], RecordT],
    console: Console,
) -> list[RecordT]:
    """Examine the seeds that the ledger lacks, show how far it is, and return the records of all in order."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    left = [seed for seed in seeds if seed not in ledger.records]
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("phantoms", total=len(seeds), completed=len(seeds) - len(left))
        for record in examine_each(setup, left, jobs, examine):
            ledger.add(record)
            progress.advance(task)
    return [ledger.records[seed] for seed in seeds]
