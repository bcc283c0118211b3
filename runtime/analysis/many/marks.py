"""By what a case is known to be done: what made its result, kept beside it in `inputs.json`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from base import __version__
from core.case_names import keyed_hash
from core.findings import ModelDescription
from runtime.analysis.case import AnalysisSettings
from runtime.analysis.many.listing import ListedCase


def marks_of_run(settings: AnalysisSettings, model: ModelDescription) -> dict[str, str]:
    """Return what all cases of a run share; the site's secret goes in as the key that findings show as well."""
    values = asdict(settings)
    salt = values.pop("pseudonym_salt")
    return {
        "program": __version__,
        "bundle": model.bundle_digest,
        "backend": model.backend,
        "mode": model.mode,
        "settings": _digest({**values, "key": keyed_hash(salt, "key")[:8] if salt else ""}),
    }


def marks_of_case(run: Mapping[str, str], case: ListedCase) -> dict[str, str]:
    """Return the marks of one case: those of the run, its options, and names, sizes and times of its files.

    Raises `OSError` where the input cannot be looked at.
    """
    prior = case.prior.read_bytes() if case.prior else b""
    options: list[Any] = [case.case_id, case.time_point, case.series_uid, hashlib.sha256(prior).hexdigest()]
    options += [_files(case.prior_images) if case.prior_images else None]
    return {**run, "options": _digest(options), "input": _digest(_files(case.input))}


def differing_marks(kept: Mapping[str, str], marks: Mapping[str, str]) -> tuple[str, ...]:
    """Return by what a result was made otherwise, by the names of the marks; empty for one that is the same."""
    return tuple(name for name, value in marks.items() if kept.get(name) != value)


def _files(path: Path) -> list[list[Any]]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = ((each, each.stat()) for each in files if each.is_file())
    return [[str(each.relative_to(path)), stat.st_size, stat.st_mtime_ns] for each, stat in stats]


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]
