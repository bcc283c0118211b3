"""What several commands of `sidewall-export` share: options, their reading, and the console."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.console import Console

from base.errors import SettingInvalid
from runtime.bundle.manifest import HalfPrecision
from trust.signing import TrainedOn

console = Console()

Trained = Annotated[str, typer.Option(help="What the model learnt from: phantom or clinical.")]
TrustedKeys = Annotated[
    Path | None, typer.Option(help="Folder of *.pub files and revoked.json to trust instead of the default ones.")
]
FigureFiles = Annotated[list[str] | None, typer.Option(help="HEADING=FILE.json for the card; repeatable.")]
CardTextFile = Annotated[
    Path | None, typer.Option(help="TOML file with the card's words (docs/model_card_template.md).")
]
Variants = Annotated[
    str, typer.Option(help="Lesser precisions to write too, with commas: float16, bfloat16; default none.")
]
StationFile = Annotated[
    Path | None,
    typer.Option(
        help="JSON file with how much of each station the training cases show; for `bundle` the default is to measure "
        "the labelsTr beside the reference cases."
    ),
]
PixelShuffle = Annotated[
    bool,
    typer.Option(
        "--pixel-shuffle",
        help="Write transposed convolutions as convolution and pixel shuffle: the same answers, faster with ONNX "
        "Runtime on a CPU, slower with OpenVINO.",
    ),
]
WithoutMirroring = Annotated[
    bool,
    typer.Option(
        "--without-mirroring",
        help="Take a model that nnU-Net would mirror at inference, to be run without, as nnU-Net's --disable_tta does.",
    ),
]
BundleFolder = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle.")]


def parse_trained_on(word: str) -> TrainedOn:
    """Return what a model may have learnt from; raises `SettingInvalid` on another word."""
    if word not in ("phantom", "clinical"):
        raise SettingInvalid("trained_on", word, "phantom or clinical")
    return cast("TrainedOn", word)


def parse_variants(text: str) -> tuple[HalfPrecision, ...]:
    """Return the precisions of a text such as `float16,bfloat16`; raises `SettingInvalid` on another word."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    allowed = get_args(HalfPrecision)
    for word in words:
        if word not in allowed:
            raise SettingInvalid("variants", word, ", ".join(allowed))
    return tuple(cast("HalfPrecision", word) for word in sorted(set(words)))


def parse_figures(texts: list[str] | None) -> dict[str, Path]:
    """Return heading -> file of `HEADING=FILE.json` texts; raises `SettingInvalid` on another form."""
    found = {}
    for text in texts or []:
        heading, separator, path = text.partition("=")
        if not (heading and separator and path):
            raise SettingInvalid("figures", text, "HEADING=FILE.json")
        found[heading] = Path(path)
    return found


def signed_or_not(key: Path | None) -> str:
    """Return what a command says of the bundle that it made with that key, or with none."""
    return "unsigned: sidewall-export sign" if key is None else "signed"


def parse_day(name: str, text: str) -> date:
    """Return a day in ISO form; raises `SettingInvalid` on anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingInvalid(name, text, "a day such as 2027-01-31") from error


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()
