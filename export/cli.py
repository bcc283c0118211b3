"""The command line `sidewall-export`: folds to ONNX, bundles, their check and handing over, and keys."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.errors import SettingInvalid, SidewallError
from base.exit_status import exit_status
from base.processors import limit_libraries
from base.scratch import scratch_settled
from base.streams import answer_alone
from base.system_errors import system_error
from base.version_option import VersionOption
from core.counting import counted
from core.rules import ScoringRules
from export import engine_commands, handover_commands, key_commands
from export.options import (
    CardTextFile,
    FigureFiles,
    PixelShuffle,
    StationFile,
    Variants,
    WithoutMirroring,
    console,
    parse_figures,
    parse_trained_on,
    parse_variants,
    signed_or_not,
)

if TYPE_CHECKING:
    from trust.signing import TrainedOn

app = typer.Typer(
    no_args_is_help=True,
    help="Make signed model bundles from trained nnU-Net folds. Research use only.",
    epilog="Exit status: 0 done, 1 an export failed its gate, 2 a setting is not allowed, 4 a bundle is rejected, "
    "5 a registry is out of reach.",
)
FeatureSize = Annotated[float, typer.Option(min=0, help="Short axis (mm) from which border and signal are judged.")]
BorderCutoff = Annotated[float, typer.Option(min=0, help="Irregularity from which a border is irregular.")]
SignalCutoff = Annotated[float, typer.Option(min=0, help="Heterogeneity from which a signal is heterogeneous.")]
InternalIliacCutoff = Annotated[
    float, typer.Option(min=0, help="Short axis (mm) above which an internal iliac node is positive at restaging.")
]
ObturatorCutoff = Annotated[
    float, typer.Option(min=0, help="Short axis (mm) above which an obturator node is positive at restaging.")
]

_EXTRA = 'pip install -e ./proto -e ".[export]" in a checkout'
_OURS = ("export", "runtime", "sidewall")
_DEMO_NAME = "sidewall-demo"
_DEMO_USE = "Shows the software at work on synthetic pelvic MRI. Not for any use on patients."


@app.callback()
def options(version: VersionOption = False) -> None:
    """Take the options that stand before a command."""


@app.command(epilog="Example: sidewall-export onnx work/demo/nnUNet_results/Dataset501_Sidewall/... --out out/onnx")
def onnx(
    model: Annotated[Path, typer.Argument(help="nnU-Net results folder with plans.json and fold_*/.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for fold_*.onnx.")],
    checkpoint: Annotated[str, typer.Option(help="Name of the checkpoint in each fold.")] = "checkpoint_final.pth",
    variants: Variants = "",
    pixel_shuffle: PixelShuffle = False,
    batch: Annotated[int, typer.Option(min=0, help="Tiles at once that the files are fixed to; 0 leaves it free.")] = 0,
    without_mirroring: WithoutMirroring = False,
) -> None:
    """Export every fold and compare it with torch on random tiles."""
    from export.fold_forms import Forms
    from export.folds import FoldsRecipe, write_folds

    forms = Forms(parse_variants(variants), pixel_shuffle)
    recipe = FoldsRecipe(model, checkpoint, forms, batch, without_mirroring)
    table = Table("fold", "precision", "backend", "relative error", "largest error", "Dice")
    for index, checks in enumerate(write_folds(recipe, out)):
        for error in checks.errors:
            figures = (f"{error.relative:.1e}", f"{error.maximum:.1e}", f"{error.dice:.5f}")
            table.add_row(str(index), error.precision, error.backend, *figures)
        for refused in checks.not_run:
            table.add_row(str(index), refused.precision, refused.backend, "not run", Text(refused.reason))
    console.print(table)


@app.command(
    epilog="Example: sidewall-export bundle MODEL --reference-cases work/demo/nnUNet_raw/Dataset501_Sidewall/imagesTr "
    "--key work/keys/demo.pem --out models/demo"
)
def bundle(
    model: Annotated[Path, typer.Argument(help="nnU-Net results folder with plans.json, dataset.json and fold_*/.")],
    reference_cases: Annotated[Path, typer.Option(help="imagesTr of the training set (NIfTI).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle; an older bundle there is replaced.")],
    key: Annotated[
        Path | None, typer.Option(help="Private key to sign with (sidewall-export keygen); none: sign it elsewhere.")
    ] = None,
    recipe_file: Annotated[
        Path | None,
        typer.Option(
            "--recipe", help="TOML file with name, version, intended_use and a table [card]; flags go before it."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help=f"Name of the model; of phantoms {_DEMO_NAME}.")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the model; default 0.1.0.")] = None,
    trained_on: Annotated[
        str | None, typer.Option(help="What the model learnt from: phantom or clinical; default: as its data set says.")
    ] = None,
    intended_use: Annotated[str | None, typer.Option(help="One or two sentences for the card.")] = None,
    checkpoint: Annotated[str, typer.Option(help="Name of the checkpoint in each fold.")] = "checkpoint_final.pth",
    golden_case: Annotated[
        Path | None, typer.Option(help="Image of the golden case; default: a reference one.")
    ] = None,
    reference_count: Annotated[int, typer.Option(min=5, help="Most reference cases to measure.")] = 40,
    chosen: Annotated[
        Path | None, typer.Option(help="chosen.json of sidewall-train evaluate, in place of the next two options.")
    ] = None,
    node_threshold: Annotated[
        float | None, typer.Option(min=0.01, max=0.99, help="Posterior above which a node is; default 0.5.")
    ] = None,
    min_mean_posterior: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, help="Mean posterior below which a node is left out; default 0."),
    ] = None,
    positive_probability: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Positive share above which the model calls a node positive.")
    ] = 0.5,
    model_min_short_axis: Annotated[
        float, typer.Option(min=0, help="Short axis (mm) from which the model alone makes a node positive.")
    ] = 0.0,
    feature_min_short_axis: FeatureSize = ScoringRules.feature_min_short_axis_mm,
    irregular_border_cutoff: BorderCutoff = ScoringRules.irregular_border_cutoff,
    heterogeneous_signal_cutoff: SignalCutoff = ScoringRules.heterogeneous_signal_cutoff,
    restaging_internal_iliac_cutoff: InternalIliacCutoff = ScoringRules.restaging_internal_iliac_cutoff_mm,
    restaging_obturator_cutoff: ObturatorCutoff = ScoringRules.restaging_obturator_cutoff_mm,
    station_reference: StationFile = None,
    figures: FigureFiles = None,
    card_text: CardTextFile = None,
    variants: Variants = "",
    pixel_shuffle: PixelShuffle = False,
    without_mirroring: WithoutMirroring = False,
    unproven: Annotated[
        bool, typer.Option(help="Make the bundle although nothing measured speaks for it; card and results say so.")
    ] = False,
    exact_only: Annotated[
        bool, typer.Option(help="Declare the bundle for the mode exact alone: it is verified, and run, in no other.")
    ] = False,
    created: Annotated[str | None, typer.Option(help="ISO date in the manifest; default: today.")] = None,
) -> None:
    """Make a signed bundle: ONNX folds checked against torch, golden case, input statistics, model card."""
    from export.bundling import BundleRecipe, make_bundle
    from export.chosen import with_chosen
    from export.fold_forms import Forms
    from export.proof import proof_of, require_proof
    from export.recipe_file import read_recipe
    from export.station_sizes import read_section
    from runtime.bundle.manifest_reading import parse_stations
    from trust.private_keys import read_private_key

    told = read_recipe(recipe_file)
    learnt_from = parse_trained_on(trained_on or _said_of_the_data(model))
    name, intended_use = name or told.name or _DEMO_NAME, intended_use or told.intended_use or _DEMO_USE
    _check_words(learnt_from, name, intended_use)
    _check_key(key, learnt_from)
    rules = ScoringRules(
        positive_probability=positive_probability,
        model_min_short_axis_mm=model_min_short_axis,
        feature_min_short_axis_mm=feature_min_short_axis,
        irregular_border_cutoff=irregular_border_cutoff,
        heterogeneous_signal_cutoff=heterogeneous_signal_cutoff,
        restaging_internal_iliac_cutoff_mm=restaging_internal_iliac_cutoff,
        restaging_obturator_cutoff_mm=restaging_obturator_cutoff,
    )
    single = {"node_threshold": node_threshold, "min_mean_posterior": min_mean_posterior}
    chosen_rules = with_chosen(rules, chosen, single)
    proof = proof_of(chosen)
    recipe = BundleRecipe(
        model=model,
        reference_cases=reference_cases,
        name=name,
        version=version or told.version or "0.1.0",
        created=created or datetime.now(UTC).date().isoformat(),
        trained_on=learnt_from,
        intended_use=intended_use,
        checkpoint=checkpoint,
        golden_case=golden_case,
        reference_count=reference_count,
        rules=chosen_rules,
        measured=parse_figures(figures),
        stations=None if station_reference is None else parse_stations(read_section(station_reference)),
        card_text=card_text or told.card,
        proof=proof,
        modes=("exact",) if exact_only else None,
        forms=Forms(parse_variants(variants), pixel_shuffle),
        without_mirroring=without_mirroring,
    )
    require_proof(proof, unproven=unproven)
    manifest = make_bundle(recipe, out, None if key is None else read_private_key(key))
    size_mb = sum(entry.bytes for entry in manifest.files) / 1e6
    folds = counted(len(manifest.folds), "fold")
    console.print(f"{out}: {manifest.name} {manifest.version}, {folds}, {size_mb:.1f} MB, {signed_or_not(key)}")


def _said_of_the_data(model: Path) -> str:
    """Return what the data set of a model's folder says that it holds; `phantom`, which is trusted least, without."""
    try:
        content = json.loads((model / "dataset.json").read_text(encoding="utf-8"))
        return str(content.get("trained_on", "phantom"))
    except (OSError, ValueError, AttributeError):
        return "phantom"


def _check_key(key: Path | None, trained_on: "TrainedOn") -> None:
    """Raise `SettingInvalid` when the key's own public file says that it is not trusted for such a model."""
    from trust.signing import read_trusted_key

    public = None if key is None else key.with_suffix(".pub")
    if public is not None and public.is_file() and trained_on not in read_trusted_key(public).trusted_for:
        allowed = f"a key for models of this kind: sidewall-export keygen PATH --trusted-for {trained_on}"
        raise SettingInvalid("key", f"{public.name}, which is not trusted for {trained_on}", allowed)


def _check_words(trained_on: str, name: str, intended_use: str) -> None:
    """Raise `SettingInvalid` when a model of patients would be called, and described, like the demo on phantoms."""
    for flag, value, demo in (("name", name, _DEMO_NAME), ("intended-use", intended_use, _DEMO_USE)):
        if trained_on == "clinical" and value == demo:
            raise SettingInvalid(flag, value, f"words of its own for a model trained on patients (--{flag})")


handover_commands.register(app)
engine_commands.register(app)
key_commands.register(app)


class _ExtraMissing(SettingInvalid):
    """A package is not installed that only some of the commands need."""

    def __init__(self, text: str) -> None:
        self.name, self.value, self.allowed = "extra", None, text
        SidewallError.__init__(self, text)


def main() -> None:
    """Run the command line; an expected failure is one line on standard error and its exit status."""
    try:
        limit_libraries()
        with answer_alone(), scratch_settled():
            app()
    except SidewallError as error:
        _end(error)
    except ModuleNotFoundError as error:
        # Commands for bundles run where only the appliance is installed, as far as they need no more than that.
        if error.name is None or error.name.partition(".")[0] in _OURS:
            raise
        _end(_ExtraMissing(f"{error.name} is not installed, which this command needs: {_EXTRA}"))
    except (OSError, MemoryError) as error:
        failure = system_error(error)
        if failure is None:
            raise
        _end(failure)


def _end(error: SidewallError) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"sidewall-export: {error}", style="red", markup=False)
    sys.exit(exit_status(error))
