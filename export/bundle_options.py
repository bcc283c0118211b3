"""The options of `sidewall-export bundle`, a line of its command each."""

from pathlib import Path
from typing import Annotated, Final

import typer

from core.rules import ScoringRules

DEMO_NAME: Final = "sidewall-demo"

Model = Annotated[Path, typer.Argument(help="nnU-Net results folder with plans.json, dataset.json and fold_*/.")]
ReferenceCases = Annotated[Path, typer.Option(help="imagesTr of the training set (NIfTI).")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle; an older bundle there is replaced.")]
Key = Annotated[
    Path | None, typer.Option(help="Private key to sign with (sidewall-export keygen); none: sign it elsewhere.")
]
Recipe = Annotated[
    Path | None,
    typer.Option("--recipe", help="TOML file with name, version, intended_use and a table [card]; flags go before it."),
]
Name = Annotated[str | None, typer.Option(help=f"Name of the model; of phantoms {DEMO_NAME}.")]
Version = Annotated[str | None, typer.Option(help="Version of the model; default 0.1.0.")]
TrainedOnWord = Annotated[
    str | None, typer.Option(help="What the model learnt from: phantom or clinical; default: as its data set says.")
]
IntendedUse = Annotated[str | None, typer.Option(help="One or two sentences for the card.")]
Checkpoint = Annotated[str, typer.Option(help="Name of the checkpoint in each fold.")]
GoldenCase = Annotated[Path | None, typer.Option(help="Image of the golden case; default: a reference one.")]
ReferenceCount = Annotated[int, typer.Option(min=5, help="Most reference cases to measure.")]
Chosen = Annotated[
    Path | None, typer.Option(help="chosen.json of sidewall-train evaluate, in place of the next two options.")
]
NodeThreshold = Annotated[
    float | None, typer.Option(min=0.01, max=0.99, help="Posterior above which a node is; default 0.5.")
]
MinMeanPosterior = Annotated[
    float | None, typer.Option(min=0, max=0.99, help="Mean posterior below which a node is left out; default 0.")
]
PositiveProbability = Annotated[
    float,
    typer.Option(
        "--positive-probability", min=0.01, max=0.99, help="Positive share above which the model calls a node positive."
    ),
]
ModelSize = Annotated[
    float,
    typer.Option(
        "--model-min-short-axis", min=0, help="Short axis (mm) from which the model alone makes a node positive."
    ),
]
FeatureSize = Annotated[
    float,
    typer.Option("--feature-min-short-axis", min=0, help="Short axis (mm) from which border and signal are judged."),
]
BorderCutoff = Annotated[
    float, typer.Option("--irregular-border-cutoff", min=0, help="Irregularity from which a border is irregular.")
]
SignalCutoff = Annotated[
    float,
    typer.Option("--heterogeneous-signal-cutoff", min=0, help="Heterogeneity from which a signal is heterogeneous."),
]
InternalIliacCutoff = Annotated[
    float,
    typer.Option(
        "--restaging-internal-iliac-cutoff",
        min=0,
        help="Short axis (mm) above which an internal iliac node is positive at restaging.",
    ),
]
ObturatorCutoff = Annotated[
    float,
    typer.Option(
        "--restaging-obturator-cutoff",
        min=0,
        help="Short axis (mm) above which an obturator node is positive at restaging.",
    ),
]
Unproven = Annotated[
    bool, typer.Option(help="Make the bundle although nothing measured speaks for it; card and results say so.")
]
ExactOnly = Annotated[
    bool, typer.Option(help="Declare the bundle for the mode exact alone: it is verified, and run, in no other.")
]
Created = Annotated[str | None, typer.Option(help="ISO date in the manifest; default: today.")]


def rules_of(
    *,
    positive: float,
    model_mm: float,
    feature_mm: float,
    border: float,
    signal: float,
    iliac_mm: float,
    obturator_mm: float,
) -> ScoringRules:
    """Return the rules that the options say; sizes are short axes."""
    return ScoringRules(
        positive_probability=positive,
        model_min_short_axis_mm=model_mm,
        feature_min_short_axis_mm=feature_mm,
        irregular_border_cutoff=border,
        heterogeneous_signal_cutoff=signal,
        restaging_internal_iliac_cutoff_mm=iliac_mm,
        restaging_obturator_cutoff_mm=obturator_mm,
    )
