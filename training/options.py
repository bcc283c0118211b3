"""Options that several commands of `sidewall-train` take, and how they answer."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from base.errors import SettingInvalid
from base.processors import usable_processors

Work = Annotated[Path, typer.Option(help="Folder for everything that is made; grows to some GB.")]
Config = Annotated[
    str,
    typer.Option(
        "--config", "-c", help="demo, paper, tiny, or the path of a TOML file like those in training/configs."
    ),
]
Dataset = Annotated[str, typer.Option(help="nnU-Net name of the dataset.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Processes = Annotated[int, typer.Option(min=1, help="Processes at the same time.")]
Folds = Annotated[str, typer.Option(help="Folds to train, such as 0-4 or 2.")]
Parallel = Annotated[
    int, typer.Option(min=1, help="Folds at the same time, on the machine's GPUs in turn; Ray decides by itself.")
]
Threads = Annotated[int, typer.Option(min=1, help="Threads per fold.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs per fold instead of the config's.")]
WarmStartEpochs = Annotated[int | None, typer.Option(min=1, help="Epochs of the shared run instead.")]
Hospitals = Annotated[
    str | None, typer.Option(help="With --seeds: hospitals to deal them to, such as north,east,west.")
]
DealAnew = Annotated[
    bool, typer.Option(help="Forget which fold each patient was in; every fold then has to be trained anew.")
]

DEFAULT_PROCESSES: Final = min(2, usable_processors())
DEFAULT_WORK: Final = Path("work/demo")
DEFAULT_DATASET: Final = "Dataset501_Sidewall"


def check_device(device: str) -> None:
    """Raise `SettingInvalid` unless this is a device that torch finds."""
    if device not in ("cpu", "cuda"):
        raise SettingInvalid("device", device, "cpu, cuda")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise SettingInvalid("device", "cuda, which torch finds none of", "cpu, or a machine with a GPU and driver")


def parse_range(name: str, text: str) -> list[int]:
    """Return the whole numbers of `3`, `0-4` or `1,3,7-9`; raises `SettingInvalid` on anything else."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise SettingInvalid(name, text, "whole numbers and ranges, such as 0-4 or 1,3,7-9")
        numbers += range(int(first), int(last if dash else first) + 1)
    return numbers


def say(result: dict[str, Any], as_json: bool) -> None:
    """Print a command's answer on standard output."""
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        Console().print_json(json.dumps(result))
