"""What the data sheet says, as plain values: the content of datasheet.json, which the page shows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from core.labels import STATION_LABELS
from training.intake.records import CaseRecord
from training.intake.study import TakenIn
from training.splits import Split

SIDES = ("right", "left", "unknown")
NO_STATION = "none"


def describe_dataset(name: str, trained_on: str, taken: TakenIn, folds: Sequence[Split]) -> dict[str, Any]:
    """Return what is known of a dataset as plain JSON types; lengths in mm, no patient data.

    `folds` may be empty where none could be dealt.
    """
    accepted = taken.accepted
    return {
        "dataset": name,
        "trained_on": trained_on,
        "counts": {
            "training cases": sum(record.split == "train" for record in accepted),
            "test cases": sum(record.split == "test" for record in accepted),
            "rejected cases": len(taken.rejected),
            "patients": len({record.require_content().patient for record in accepted}),
            "nodes": sum(len(record.require_content().nodes) for record in accepted),
            "cases with warnings": sum(bool(record.warnings) for record in accepted),
            "MR series without mask": taken.spare_series,
            "unreadable archives": taken.unreadable_archives,
        },
        "groups": _groups(accepted, folds),
        "voxels": {
            "slice distance, mm": _spread(record.require_content().spacing_mm[0] for record in accepted),
            "pixel spacing, mm": _spread(record.require_content().spacing_mm[1] for record in accepted),
            "slices": _spread(record.require_content().shape[0] for record in accepted),
            "field of view, mm": _spread(_field_of_view_mm(record) for record in accepted),
        },
        "scanners": _scanners(accepted),
        "short_axes_mm": short_axes_mm(accepted),
        "rejected": [record.to_mapping() for record in taken.rejected],
        "warnings": [{"case": record.name, **fault.to_mapping()} for record in accepted for fault in record.warnings],
    }


def short_axes_mm(records: Iterable[CaseRecord]) -> list[dict[str, Any]]:
    """Return the short axes of all nodes of each station and side, in the order of the labels; empty ones too."""
    nodes = [node for record in records for node in record.require_content().nodes]
    found: list[dict[str, Any]] = []
    for station in (*STATION_LABELS.values(), NO_STATION):
        for side in SIDES:
            here = [node for node in nodes if (node.station or NO_STATION) == station and node.side == side]
            if here or (station != NO_STATION and side != "unknown"):
                found.append(
                    {
                        "station": station,
                        "side": side,
                        "negative": sorted(node.short_axis_mm for node in here if not node.positive),
                        "positive": sorted(node.short_axis_mm for node in here if node.positive),
                    }
                )
    return found


def _groups(records: Sequence[CaseRecord], folds: Sequence[Split]) -> list[dict[str, Any]]:
    """Return the number of cases of each hospital and node status: all, per fold's validation, and for testing."""
    fold_of = {name: fold for fold, split in enumerate(folds) for name in split["val"]}
    keys = sorted({(record.hospital, record.require_content().node_status) for record in records})
    groups = []
    for hospital, status in keys:
        here = [r for r in records if (r.hospital, r.require_content().node_status) == (hospital, status)]
        counts = Counter(fold_of.get(record.name) for record in here if record.split == "train")
        groups.append(
            {
                "hospital": hospital,
                "node_status": status,
                "cases": len(here),
                "folds": [counts[fold] for fold in range(len(folds))],
                "shared": counts[None] if folds else 0,
                "test": sum(record.split == "test" for record in here),
            }
        )
    return groups


def _scanners(records: Iterable[CaseRecord]) -> list[dict[str, Any]]:
    counts = Counter(record.require_content().scanner for record in records)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [asdict(scanner) | {"cases": count} for scanner, count in ordered]


def _field_of_view_mm(record: CaseRecord) -> float:
    content = record.require_content()
    return min(n * spacing for n, spacing in zip(content.shape[1:], content.spacing_mm[1:], strict=True))


def _spread(values: Iterable[float]) -> dict[str, float] | None:
    """Return minimum, median and maximum; None without values."""
    known = np.array(list(values), dtype=np.float64)
    if not known.size:
        return None
    return {
        "min": round(float(known.min()), 2),
        "median": round(float(np.median(known)), 2),
        "max": round(float(known.max()), 2),
    }
