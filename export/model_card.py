"""MODEL_CARD.md from the manifest and from measured figures; nothing in it is typed by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.bundle.manifest import Manifest


def model_card(manifest: Manifest, measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the card as Markdown; `measured` maps a heading to the content of a figures file."""
    network = manifest.preprocessing
    spacing = " x ".join(f"{value:g}" for value in network.spacing_mm)
    patch = " x ".join(map(str, manifest.tiling.patch_size))
    parts = [
        f"# {manifest.name} {manifest.version}",
        f"**Research use only.** {manifest.intended_use}",
        _warning(manifest),
        "## Model",
        _table(
            [
                ("created", manifest.created),
                ("trained on", manifest.trained_on),
                ("folds", len(manifest.folds)),
                ("grid (z, y, x)", f"{spacing} mm"),
                ("tile (z, y, x)", f"{patch} voxels, step {manifest.tiling.step_size:g}"),
                ("labels", ", ".join(f"{value} {name}" for name, value in manifest.labels.items())),
            ]
        ),
        "## Scoring rules",
        _table([(name, value) for name, value in vars(manifest.scoring).items()]),
        "## Provenance",
        _table(_flat(manifest.provenance)),
    ]
    for heading, figures in measured.items():
        parts += [f"## {heading}", _table(_flat(figures))]
    return "\n\n".join(parts) + "\n"


def _warning(manifest: Manifest) -> str:
    if manifest.trained_on == "phantom":
        return (
            "Trained on synthetic images only. It has never seen a patient, and every figure below is measured on "
            "synthetic images: on a patient the runtime gives the status `demonstration` and nothing else."
        )
    return "Figures below hold for the data they were measured on."


def _table(rows: Sequence[tuple[str, Any]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows)])


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested names joined by a dot; lists of plain values stay one cell, lists of objects are numbered."""
    rows: list[tuple[str, Any]] = []
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for index, entry in enumerate(value):
                rows += _flat(entry, f"{prefix}{name}[{index}].")
        elif value is not None:
            rows.append((f"{prefix}{name}", ", ".join(map(_cell, value)) if isinstance(value, list) else value))
    return rows
