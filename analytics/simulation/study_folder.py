"""A cohort as a folder that `sidewall-analytics report` takes: tables, findings, study file, and the truth."""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any, Final

import yaml

from analytics.folders import writable_folder
from analytics.simulation import tables
from analytics.simulation.cohort import Cohort
from analytics.simulation.design import CohortDesign
from analytics.simulation.findings import simulated_findings
from analytics.simulation.label_maps import NEGATIVE, POSITIVE, label_maps
from analytics.simulation.table_files import write_table
from analytics.simulation.true_values import true_values

STUDY_FILE: Final = "study.yaml"
_LABELS: Final = {
    "age_years": ("Age", "years"),
    "cea_ng_ml": ("CEA", "ng/mL"),
    "cea": ("CEA, normal up to 5 ng/mL", None),
    "tumour_size_mm": ("Tumour size", "mm"),
    "sex": ("Sex", None),
    "grade": ("Grade", None),
    "mrcrm": ("mrCRM", None),
    "mremvi": ("mrEMVI", None),
    "mrt": ("mrT", None),
    "mrn": ("mrN", None),
    "mrtd": ("mrTD", None),
    "pcr": ("pCR", None),
}

_RESPONSE_KNOWN_MONTHS: Final = 6
"""Assumed time from MRI to the specimen that tells the response: who died before could not have one."""

_NO_CANDIDATES: Final = ("cea_ng_ml", "pcr")
"""CEA enters as normal or raised, as in the paper; the response only from its landmark on, unlike in the paper."""


def write_study(cohort: Cohort, folder: Path) -> Path:
    """Write everything into `folder` and return the study file; the same cohort gives the same bytes."""
    writable_folder(folder)
    for name, table in (
        ("patients.csv", tables.patients_table(cohort)),
        ("reference.csv", tables.reference_table(cohort)),
        # The tool takes three formats, and a study mixes them.
        ("readers.xlsx", tables.readers_table(cohort)),
        ("nodes.parquet", tables.nodes_table(cohort)),
        ("cases.csv", tables.cases_table(cohort)),
        ("follow_up.csv", tables.follow_up_table(cohort)),
    ):
        write_table(table, folder / name)
    _write_findings(cohort, folder / "findings")
    _write_label_maps(cohort, folder / "label_maps")
    _write_json(dataclasses.asdict(cohort.design), folder / "design.json")
    _write_json(true_values(cohort.design), folder / "truth.json")
    path = folder / STUDY_FILE
    text = yaml.safe_dump(study_fields(cohort.design), sort_keys=False, allow_unicode=True, width=120)
    path.write_text(f"# A simulated study: no patient stands behind any number.\n{text}", encoding="utf-8")
    return path


def study_fields(design: CohortDesign) -> dict[str, Any]:
    """Return the study file's fields: the paper's analyses of the external test."""
    external = {"cohort": tables.EXTERNAL}
    readers = [reader.name for reader in design.readers]
    circumstances = _circumstances(design)
    covariates = [*_numbers(design), *_categories(design)]
    return {
        "title": "A simulated multi-centre study of lateral lymph nodes in rectal cancer",
        "simulated": True,
        "patients": {"table": "patients.csv", "id": "patient", "where": external},
        "covariates": [*covariates, *circumstances],
        "raters": _raters(design),
        "cutoff_mm": design.nodes.cutoff_mm,
        "label_maps": {
            "reference": "label_maps/reference",
            "model": "label_maps/model",
            "labels": {NEGATIVE: "negative node", POSITIVE: "positive node"},
        },
        "follow_up": _follow_up_fields(external),
        "analysis": {
            "strata": [
                *("model", *readers, "region", "short_axis"),
                {"by": ["model"], "within": "mrn"},
                *({"by": ["model", name]} for name in ("mrtd", "mrcrm", "mremvi")),
            ],
            "candidates": ["model", *(each["name"] for each in covariates if each["name"] not in _NO_CANDIDATES)],
            "always": ["model"],
            "entry_p": 0.10,
            "table_one": ["model", "hospital"],
            "subgroups": [*(each["name"] for each in circumstances), "sex", "region", "short_axis"],
            "size_bands_mm": [5, design.nodes.cutoff_mm, 10],
            "gain": {"added": ["model"], "over": ["mrcrm", "mremvi"]},
        },
    }


def _raters(design: CohortDesign) -> list[dict[str, Any]]:
    """Return where reference, model and readers stand, each with its nodes."""
    reading = {"region": "region", "short_axis_mm": "short_axis_mm", "status": {"column": "status"}}
    return [
        {
            "name": "reference",
            "role": "reference",
            "table": "reference.csv",
            "id": "patient",
            **reading,
            "nodes": _node_fields("reference"),
        },
        {
            "name": "model",
            "role": "model",
            "findings": "findings",
            "pseudonyms": {"table": "cases.csv", "id": "patient", "case": "case"},
        },
        *(
            {
                "name": name,
                "role": "reader",
                "table": "readers.xlsx",
                "id": "patient",
                "where": {"reader": name},
                **reading,
                "nodes": _node_fields(name),
            }
            for name in (reader.name for reader in design.readers)
        ),
    ]


def _node_fields(rater: str) -> dict[str, Any]:
    return {
        "table": "nodes.parquet", "where": {"rater": rater}, "id": "patient", "side": "side", "station": "station",
        "status": {"column": "status"}, "short_axis_mm": "short_axis_mm", "centre_lps_mm": ["x_mm", "y_mm", "z_mm"],
    }  # fmt: skip


def _follow_up_fields(external: dict[str, str]) -> dict[str, Any]:
    cancer, other = "died of the cancer", "died of another cause"
    dfs = {"date": "dfs_end_date", "event": "dfs_end", "censored_values": "none"}
    overall = {"date": "os_end_date", "event": "vital_status", "censored_values": "alive"}
    return {
        "table": "follow_up.csv",
        "id": "patient",
        "where": external,
        "unit": "months",
        "start": "baseline_date",
        "times": [36, 60],
        "endpoints": [
            {"name": "DFS", "label": "Disease-free survival", **dfs, "event_values": ["recurrence", "death"]},
            {"name": "OS", "label": "Overall survival", **overall, "event_values": [cancer, other]},
            {
                "name": "recurrence", "label": "Recurrence", **dfs, "event_values": "recurrence",
                "competing_values": "death",
            },
            {
                "name": "cancer_death", "label": "Death of the cancer", **overall, "event_values": cancer,
                "competing_values": other,
            },
        ],
    }  # fmt: skip


def _numbers(design: CohortDesign) -> list[dict[str, Any]]:
    fields = []
    for each in design.measured:
        label, unit = _LABELS[each.name]
        fields.append(
            {"name": each.name, "kind": "number", "label": label, "unit": unit, "low": each.low, "high": each.high}
        )
    return fields


def _circumstances(design: CohortDesign) -> list[dict[str, Any]]:
    """Return where the patients of the external test were imaged."""
    hospitals = [each for each in design.hospitals if each.external]
    scanners = sorted({maker for each in hospitals for maker in each.scanners})
    levels = {"hospital": [each.name for each in hospitals], "scanner": scanners}
    return [
        {"name": name, "kind": "category", "label": name.capitalize(), "levels": {level: level for level in known}}
        for name, known in levels.items()
    ]


def _categories(design: CohortDesign) -> list[dict[str, Any]]:
    levels = {"cea": ("normal", "raised")} | {each.name: each.levels for each in design.graded}
    return [
        {
            "name": name,
            "kind": "category",
            "label": _LABELS[name][0],
            "levels": {level: level for level in of_covariate},
            "reference": of_covariate[0],
            **({"known_from": _RESPONSE_KNOWN_MONTHS} if name == "pcr" else {}),
        }
        for name, of_covariate in levels.items()
    ]


def _write_findings(cohort: Cohort, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    names = tables.cases_table(cohort)["case"].tolist()
    for name, text in zip(names, simulated_findings(cohort, tables.external_rows(cohort), names), strict=True):
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _write_label_maps(cohort: Cohort, folder: Path) -> None:
    names, first = tables.cases_table(cohort)["case"], int(tables.external_rows(cohort)[0])
    for part in ("reference", "model"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for row, reference, model in label_maps(cohort):
        for part, content in (("reference", reference), ("model", model)):
            (folder / part / f"{names[row - first]}.nii.gz").write_bytes(content)


def _write_json(content: Any, path: Path) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, default=_plain)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
