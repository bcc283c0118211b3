"""The command line `sidewall-export`: folds to ONNX, bundles, their check and handing over, and keys."""

import json
import sys
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
from export.bundle_options import (
    DEMO_NAME,
    BorderCutoff,
    Checkpoint,
    Chosen,
    Created,
    ExactOnly,
    FeatureSize,
    GoldenCase,
    IntendedUse,
    InternalIliacCutoff,
    Key,
    MinMeanPosterior,
    Model,
    ModelSize,
    Name,
    NodeThreshold,
    ObturatorCutoff,
    Out,
    PositiveProbability,
    Recipe,
    ReferenceCases,
    ReferenceCount,
    SignalCutoff,
    TrainedOnWord,
    Unproven,
    Version,
    rules_of,
)
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
    today,
)
from export.recipe_file import read_recipe

if TYPE_CHECKING:
    from core.judging.station_reference import StationReference
    from export.bundling import BundleRecipe
    from trust.signing import TrainedOn

app = typer.Typer(
    no_args_is_help=True,
    help="Make signed model bundles from trained nnU-Net folds. Research use only.",
    epilog="Exit status: 0 done, 1 an export failed its gate, 2 a setting is not allowed, 4 a bundle is rejected, "
    "5 a registry is out of reach.",
)

_EXTRA = 'pip install -e ./proto -e ".[export]" in a checkout'
_OURS = ("export", "runtime", "sidewall")
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
    model: Model,
    reference_cases: ReferenceCases,
    out: Out,
    key: Key = None,
    recipe_file: Recipe = None,
    name: Name = None,
    version: Version = None,
    trained_on: TrainedOnWord = None,
    intended_use: IntendedUse = None,
    checkpoint: Checkpoint = "checkpoint_final.pth",
    golden_case: GoldenCase = None,
    reference_count: ReferenceCount = 40,
    chosen: Chosen = None,
    node_threshold: NodeThreshold = None,
    min_mean_posterior: MinMeanPosterior = None,
    positive: PositiveProbability = 0.5,
    model_mm: ModelSize = 0.0,
    feature_mm: FeatureSize = ScoringRules.feature_min_short_axis_mm,
    border: BorderCutoff = ScoringRules.irregular_border_cutoff,
    signal: SignalCutoff = ScoringRules.heterogeneous_signal_cutoff,
    iliac_mm: InternalIliacCutoff = ScoringRules.restaging_internal_iliac_cutoff_mm,
    obturator_mm: ObturatorCutoff = ScoringRules.restaging_obturator_cutoff_mm,
    station_reference: StationFile = None,
    figures: FigureFiles = None,
    card_text: CardTextFile = None,
    variants: Variants = "",
    pixel_shuffle: PixelShuffle = False,
    without_mirroring: WithoutMirroring = False,
    unproven: Unproven = False,
    exact_only: ExactOnly = False,
    created: Created = None,
) -> None:
    """Make a signed bundle: ONNX folds checked against torch, golden case, input statistics, model card."""
    from export.bundling import BundleRecipe
    from export.chosen import with_chosen
    from export.fold_forms import Forms
    from export.proof import proof_of, require_proof

    told = read_recipe(recipe_file)
    learnt_from = parse_trained_on(trained_on or _said_of_the_data(model))
    name, intended_use = name or told.name or DEMO_NAME, intended_use or told.intended_use or _DEMO_USE
    version, created = version or told.version or "0.1.0", created or today().isoformat()
    _check_words(learnt_from, name, intended_use)
    _check_key(key, learnt_from)
    rules = rules_of(
        positive=positive, model_mm=model_mm, feature_mm=feature_mm, border=border, signal=signal, iliac_mm=iliac_mm,
        obturator_mm=obturator_mm,
    )  # fmt: skip
    rules = with_chosen(rules, chosen, {"node_threshold": node_threshold, "min_mean_posterior": min_mean_posterior})
    proof = proof_of(chosen)
    recipe = BundleRecipe(
        model, reference_cases, name, version, created, learnt_from, intended_use, checkpoint=checkpoint,
        golden_case=golden_case, reference_count=reference_count, rules=rules, measured=parse_figures(figures),
        stations=_stations(station_reference), card_text=card_text or told.card, proof=proof,
        modes=("exact",) if exact_only else None, forms=Forms(parse_variants(variants), pixel_shuffle),
        without_mirroring=without_mirroring,
    )  # fmt: skip
    require_proof(proof, unproven=unproven)
    _make(recipe, out, key)


def _stations(file: Path | None) -> "StationReference | None":
    from export.station_sizes import read_section
    from runtime.bundle.manifest_reading import parse_stations

    return None if file is None else parse_stations(read_section(file))


def _make(recipe: "BundleRecipe", out: Path, key: Path | None) -> None:
    """Make the bundle in the folder `out`, sign it if there is a key, and say what came of it."""
    from export.bundling import make_bundle
    from trust.private_keys import read_private_key

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
    for flag, value, demo in (("name", name, DEMO_NAME), ("intended-use", intended_use, _DEMO_USE)):
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
