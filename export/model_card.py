"""MODEL_CARD.md from the manifest, nnU-Net's files, figures and words; no figure in it is typed by hand.

The sections are those of Model Cards (Mitchell et al., FAT* 2019), and the rows of their tables answer what CLAIM asks
for (Tejani et al., Radiol Artif Intell 2024;6:e240300). What nobody reported says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from export.card_figures import (
    Figures,
    Row,
    dice_rows,
    gate_rows,
    is_cross_validation,
    is_evaluation,
    other_rows,
    proportion_rows,
    table,
    training_rows,
)
from export.card_text import NOT_REPORTED, PHANTOM_TEXT, CardText, read_card_text
from export.errors import ExportFailed
from runtime.bundle.manifest import Manifest

CARD_NAME: Final = "MODEL_CARD.md"
PLANS_FOLDER: Final = "nnunet"
"""Folder of a bundle with nnU-Net's own plans.json and dataset.json, from which its predictor can be built again."""

MEASURED_AS: Final = "measured_as"
"""Entry of the provenance: digests that this bundle had, with the same folds and rules, when it was measured."""

_SUBGROUPS: Final = ("detection", "subgroups", "by_")
"""Beginnings of the names under which an evaluation keeps its results by group."""

_PROPORTION: Final = ("figure", "value", "counts", "95 % interval")


@dataclass(frozen=True)
class CardSource:
    """What a card is made from beside the manifest."""

    figures: Mapping[str, Figures] = field(default_factory=dict)
    """Heading -> content of a figures file."""

    text: CardText = field(default_factory=CardText)
    plans: Mapping[str, Any] = field(default_factory=dict)
    """nnU-Net's plans.json."""

    dataset: Mapping[str, Any] = field(default_factory=dict)
    """nnU-Net's dataset.json."""


def read_figures(files: Mapping[str, Path]) -> dict[str, Figures]:
    """Read the figures files of a card by heading; raises `ExportFailed` on one that is no JSON object."""
    return {heading: _read_json(path) for heading, path in files.items()}


def read_card_source(bundle: Path, manifest: Manifest, figures: Mapping[str, Figures], text: Path | None) -> CardSource:
    """Read all that a card is made from; `text` None takes the words for phantom models, and none for others."""
    chosen = PHANTOM_TEXT if text is None and manifest.trained_on == "phantom" else text
    inside = [bundle / PLANS_FOLDER / name for name in ("plans.json", "dataset.json")]
    plans, dataset = (_read_json(path) if path.is_file() else {} for path in inside)
    return CardSource(
        figures=figures,
        text=CardText() if chosen is None else read_card_text(chosen),
        plans=plans,
        dataset=dataset,
    )


def check_measured(figures: Mapping[str, Figures], digests: Sequence[str]) -> None:
    """Raise `ExportFailed` when an evaluation was made with a bundle other than those of the digests."""
    for heading, each in figures.items():
        measured = each["model"].get("digest") if is_evaluation(each) else None
        if measured is not None and measured not in digests:
            allowed = ", ".join(digests) or "none yet: measure the bundle when it is made, then `sidewall-export card`"
            raise ExportFailed(f"{heading} was measured on bundle {measured}; allowed: {allowed}")


def model_card(manifest: Manifest, source: CardSource) -> str:
    """Return the card as Markdown."""
    text = source.text
    parts = [
        f"# {manifest.name} {manifest.version}",
        f"**Research use only.** {manifest.intended_use}",
        _warning(manifest),
        *_unproven(manifest),
        "## Model details",
        table(("", ""), _details(manifest, source)),
        "## Intended use",
        table(
            ("", ""),
            [
                ("intended use", manifest.intended_use),
                ("intended users", text.intended_users),
                ("out-of-scope uses", text.out_of_scope),
                ("scientific and clinical background", text.background),
            ],
        ),
        "## Factors",
        text.factors,
        "## Training data",
        table(("", ""), _training_data(manifest, source)),
        "## Training procedure",
        table(("", ""), _training_procedure(manifest, source)),
        *_evaluation_parts(source),
        "## Limits",
        text.limits,
        "## Ethical considerations and safety",
        table(("", ""), [("ethics", text.ethics), ("safety", text.safety)]),
        "## Scoring rules",
        table(("", ""), list(vars(manifest.scoring).items())),
        "## Provenance",
        table(("", ""), _provenance(manifest)),
    ]
    return "\n\n".join(parts) + "\n"


def _warning(manifest: Manifest) -> str:
    if manifest.trained_on == "phantom":
        return (
            "Trained on synthetic images only. It has never seen a patient, and every figure below is measured on "
            "synthetic images: on a patient the runtime gives the status `demonstration` and nothing else."
        )
    return "Figures below hold for the data they were measured on."


def _unproven(manifest: Manifest) -> list[str]:
    return (
        [] if manifest.unproven is None else [f"**Unproven.** {manifest.unproven}. Every result of the model says so."]
    )


def _details(manifest: Manifest, source: CardSource) -> list[Row]:
    text, architecture = source.text, _configuration(source).get("architecture", {})
    arguments = architecture.get("arch_kwargs", {})
    patch = " x ".join(map(str, manifest.tiling.patch_size))
    spacing = " x ".join(f"{value:g}" for value in manifest.preprocessing.spacing_mm)
    return [
        ("created", manifest.created),
        ("trained on", manifest.trained_on),
        ("kind", str(architecture.get("network_class_name", NOT_REPORTED)).rpartition(".")[2]),
        ("features per stage", arguments.get("features_per_stage", NOT_REPORTED)),
        ("ensemble", f"{len(manifest.folds)} folds, their logits averaged"),
        *([("also in", ", ".join(sorted(manifest.variants)))] if manifest.variants else []),
        *([("declared for the modes", ", ".join(manifest.modes))] if manifest.modes else []),
        ("input", "one axial T2-weighted series"),
        ("output labels", ", ".join(f"{value} {name}" for name, value in manifest.labels.items())),
        ("grid (z, y, x)", f"{spacing} mm"),
        ("tile (z, y, x)", f"{patch} voxels, step {manifest.tiling.step_size:g}"),
        ("licence", text.licence),
        ("how to cite", text.cite),
        ("contact", text.contact),
        ("funding", text.funding),
        ("registration", text.registration),
        ("availability of data and code", text.availability),
    ]


def _training_data(manifest: Manifest, source: CardSource) -> list[Row]:
    text = source.text
    count = manifest.provenance.get("training_cases", source.dataset.get("numTraining", NOT_REPORTED))
    reference = manifest.input_reference
    return [
        ("cases", count),
        ("source", text.data_source),
        *((f"source: {name}", value) for name, value in other_rows(source.dataset.get("source", {}))),
        ("inclusion and exclusion", text.eligibility),
        ("image acquisition", text.acquisition),
        ("de-identification", text.deidentification),
        ("demographic and clinical characteristics", text.demographics),
        ("reference standard", text.reference_standard),
        ("annotators and their variability", text.annotators),
        ("partitions", text.data_split),
        ("cases behind the input statistics", reference.case_count if reference else NOT_REPORTED),
    ]


def _training_procedure(manifest: Manifest, source: CardSource) -> list[Row]:
    folds = manifest.provenance.get("folds", [])
    preparation = manifest.preprocessing
    return [
        ("preprocessing", f"{preparation.orientation}; {preparation.normalisation}; order {preparation.data.order}"),
        ("trainer", sorted({str(fold.get("trainer")) for fold in folds}) or NOT_REPORTED),
        ("epochs per fold", [fold.get("epoch") for fold in folds] or NOT_REPORTED),
        ("batch size", _configuration(source).get("batch_size", NOT_REPORTED)),
        *other_rows(source.plans.get("sidewall", {})),
        ("choice of the final model", source.text.model_selection),
        *((f"software: {name}", value) for name, value in manifest.provenance.get("software", {}).items()),
    ]


def _evaluation_parts(source: CardSource) -> list[str]:
    evaluations = {heading: each for heading, each in source.figures.items() if is_evaluation(each)}
    validations = {heading: each for heading, each in source.figures.items() if is_cross_validation(each)}
    known = evaluations.keys() | validations.keys()
    others = {heading: each for heading, each in source.figures.items() if heading not in known}
    text = source.text
    data = [("cases", text.evaluation_data), ("external testing", text.external_testing)]
    parts = ["## Metrics", text.metrics, "## Evaluation data", table(("", ""), data)]
    parts += ["## Evaluation results"] + ([] if evaluations or validations else [NOT_REPORTED])
    for heading, each in evaluations.items():
        parts += [f"### {heading}", *_evaluation(each)]
    for heading, each in validations.items():
        header = ("structure", "mean Dice", "95 % interval", "median", "pooled", "cases", "lowest to highest fold")
        training = training_rows(each)
        shown = {"dice", "dice_per_fold", *(["training"] if training else [])}
        rest = {name: value for name, value in each.items() if name not in shown}
        parts += [f"### {heading}", table(header, list(dice_rows(each))), table(("", ""), list(other_rows(rest)))]
        parts += [table(training[0], training[1:])] if training else []
    for heading, each in others.items():
        parts += [f"### {heading}", *_generic(each)]
    parts += ["## Subgroup results", *_subgroups(evaluations), text.subgroups]
    return [*parts, "## Failure analysis", *_failures(evaluations), text.failure_analysis, text.explainability]


def _evaluation(figures: Figures) -> list[str]:
    """Return what was measured on what, and every result but those of subgroups and failures."""
    model, summary = figures["model"], figures["summary"]
    said = ("seeds", "generator_version", "software_version", "minimum_iou")
    what = {name: figures[name] for name in said if name in figures}
    on = {name: model[name] for name in ("name", "version", "digest", "backend", "mode") if name in model}
    rest = {name: value for name, value in summary.items() if not name.startswith((*_SUBGROUPS, "gates", "refused"))}
    detection = summary.get("detection", {})
    overall = {"nodes": detection["all"]} if "all" in detection else {}
    measured_with = ", ".join(f"{name} {value}" for name, value in on.items())
    plain = [("measured with", measured_with), *what.items(), *other_rows(rest)]
    return [table(_PROPORTION, [*proportion_rows(overall), *proportion_rows(rest)]), table(("", ""), plain)]


def _generic(figures: Figures) -> list[str]:
    rows = list(proportion_rows(figures))
    return [*([table(_PROPORTION, rows)] if rows else []), table(("", ""), list(other_rows(figures)))]


def _subgroups(evaluations: Mapping[str, Figures]) -> list[str]:
    parts = []
    for heading, each in evaluations.items():
        chosen = {name: group for name, group in each["summary"].items() if name.startswith(_SUBGROUPS)}
        rows = [row for group in chosen.values() for row in proportion_rows(group)]
        parts += [f"### {heading}", table(_PROPORTION, rows)] if rows else []
    return parts


def _failures(evaluations: Mapping[str, Figures]) -> list[str]:
    parts = []
    for heading, each in evaluations.items():
        summary = each["summary"]
        rows = [("refused", f"{summary.get('refused', NOT_REPORTED)} of {summary.get('cases', NOT_REPORTED)}")]
        rows += [(f"warned: {gate}", cases) for gate, cases in gate_rows(summary)]
        parts += [f"### {heading}", table(("", "cases"), rows)]
    return parts


def _provenance(manifest: Manifest) -> list[Row]:
    known = dict(manifest.provenance)
    folds, errors, refused = (known.pop(name, []) for name in ("folds", "onnx_against_torch", "onnx_not_run"))
    known.pop("software", None)
    # Bundles made before there were lesser precisions do not name it.
    measured = [(f"{each['backend']}, {each.get('precision', 'float32')}", each["maximum"]) for each in errors]
    worst = {engine: max(value for name, value in measured if name == engine) for engine, _ in sorted(measured)}
    return [
        *other_rows(known),
        *((f"checkpoint of fold {index}", f"sha256:{fold['checkpoint_sha256']}") for index, fold in enumerate(folds)),
        *((f"largest difference of a logit from torch, {name}", value) for name, value in worst.items()),
        *((f"not run: {each['backend']}, {each['precision']}", each["reason"]) for each in refused),
    ]


def _configuration(source: CardSource) -> Mapping[str, Any]:
    found: Mapping[str, Any] = source.plans.get("configurations", {}).get("3d_fullres", {})
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportFailed(f"{path} is not readable JSON") from error
    if not isinstance(content, dict):
        raise ExportFailed(f"{path} holds {type(content).__name__}; allowed: an object")
    return content
