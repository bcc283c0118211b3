"""`sidewall-train make-cases`: cases of both kinds of bodies, in nnU-Net's raw form for `prepare --source`.

Half of the seeds have bodies of shapes on the training hospitals' scanners, half bodies of people's label maps; of the
latter half have informed and half random contrast, and two in three show any height, tilt and field of view. A seed is
of the same kind whatever else is made with it. `held_out.toml` names the seeds and people that no training may see.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES
from phantom.case import GENERATOR_VERSION, PhantomOptions, generate_case
from phantom.hospitals import TRAINING_HOSPITALS
from training.dataset import FILE_ENDING, MADE_WITH, image_path_of, label_path, write_case
from training.phantoms import case_name, check_training_seeds
from training.workspace import write_json

INFORMED: Final = "informed"
"""Folder with links to the images of realistic contrast: what the gate on input statistics is made from."""

MAKING_FILE: Final = "making.json"
"""What the cases of a folder were made with; another run into the folder must agree."""


@dataclass(frozen=True)
class HeldOut:
    """Seeds and people that measure a model and are never trained on."""

    seeds: tuple[int, ...]
    """Fresh phantom seeds, each taken on a training hospital, `south` and `harbour`."""

    people_seeds: tuple[int, ...]
    """Seeds of bodies that only the people left out give anything to."""

    people: tuple[str, ...]
    """People left out whole, as givers of structures too, by file name."""


@cache
def held_out() -> HeldOut:
    """Return the committed list."""
    with Path(__file__).with_name("held_out.toml").open("rb") as file:
        table = tomllib.load(file)
    first, last = table["seeds"]["first"], table["seeds"]["last"]
    of_people = table["people"]
    return HeldOut(
        tuple(range(first, last + 1)),
        tuple(range(of_people["first_seed"], of_people["last_seed"] + 1)),
        tuple(of_people["left_out"]),
    )


def options_of(seed: int, anatomy: Path | None) -> PhantomOptions:
    """Return how a training seed is made; without people's maps all bodies are of shapes."""
    kind, turn = seed % 2, seed // 2
    if kind == 0 or anatomy is None:
        return PhantomOptions(hospital=TRAINING_HOSPITALS[turn % len(TRAINING_HOSPITALS)])
    return PhantomOptions(
        anatomy=anatomy,
        left_out=held_out().people,
        contrast="random" if turn % 2 else "informed",
        coverage="usual" if turn % 3 == 0 else "any",
    )


def make_cases(out: Path, seeds: Sequence[int], anatomy: Path | None, processes: int) -> Iterator[str]:
    """Write the cases that are not there yet; yields each one's name.

    Raises `SettingInvalid` on seeds that training may not use, and on a folder whose cases were made otherwise.
    """
    check_training_seeds(seeds)
    _agree(out, anatomy)
    missing = [seed for seed in seeds if not label_path(out, case_name(seed)).is_file()]
    if missing:  # the first case keeps what is made of the people's maps, for all processes
        yield _make(out, missing[0], anatomy)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        made = [pool.submit(_make, out, seed, anatomy) for seed in missing[1:]]
        for done in as_completed(made):
            yield done.result()
    names = [case_name(seed) for seed in seeds]
    write_json(
        out / "dataset.json",
        {
            "channel_names": {"0": "T2"},
            "labels": LABEL_NAMES,
            "file_ending": FILE_ENDING,
            "numTraining": len(names),
            "overwrite_image_reader_writer": "SimpleITKIO",
            MADE_WITH: _making(anatomy) | {"seeds": _seeds_there(out)},
        },
    )


def _making(anatomy: Path | None) -> dict[str, Any]:
    return {
        "generator_version": GENERATOR_VERSION,
        "bodies": "shapes" if anatomy is None else "shapes and people",
        "left_out": list(held_out().people),
    }


def _seeds_there(out: Path) -> list[int]:
    """Return the seeds of all cases in the folder, for `prepare` takes them all."""
    return sorted(
        int(path.name.removesuffix(FILE_ENDING).split("_")[1]) for path in (out / "labelsTr").glob("phantom_*")
    )


def _agree(out: Path, anatomy: Path | None) -> None:
    making = _making(anatomy)
    file = out / MAKING_FILE
    if file.is_file() and (earlier := json.loads(file.read_text(encoding="utf-8"))) != making:
        raise SettingInvalid("out", f"cases made with {earlier}", f"cases made with {making}, or an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    write_json(file, making)


def _make(out: Path, seed: int, anatomy: Path | None) -> str:
    options, name = options_of(seed, anatomy), case_name(seed)
    case = generate_case(seed, options=options)
    write_case(out, name, case.image, case.labels)
    if options.contrast == "informed":
        image, linked = image_path_of(out, name), out / INFORMED / image_path_of(out, name).name
        linked.parent.mkdir(exist_ok=True)
        linked.unlink(missing_ok=True)
        linked.hardlink_to(image)
    return name
