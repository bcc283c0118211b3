"""Makes a simulated study: `python -m analytics.examples.simulate FOLDER [--patients N] [--seed S] [--findings]`.

Nobody in it is real. Rates and hazard ratios were chosen near those of Qiao et al. (Front Oncol 2025;15:1681939), so
that tables and curves look like a study's; no figure of it says anything about the appliance.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from sidewall.vocabulary import STATION, STUDY_ORDER, Station

from analytics.examples.simulated_nodes import simulate_nodes

SHORT_NAMES: Final = tuple(each.abbreviation for each in STUDY_ORDER)
READERS: Final = {"R1": (0.70, 0.90), "R2": (0.78, 0.93), "R3": (0.86, 0.96)}
"""Sensitivity and specificity against the reference: junior, middle, senior."""

MODEL: Final = (0.80, 0.92)
Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def simulate(patients: int, seed: int) -> dict[str, pd.DataFrame]:
    """Return the tables `patients`, `reference`, `readers`, `model`, `nodes` and `follow_up` of a simulated study."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"S{index:06d}" for index in range(1, patients + 1)])
    positive = rng.random(patients) < 0.15
    clinical = _clinical(rng, ids, positive)
    size = np.where(positive, rng.gamma(18.0, 0.5, patients) + 1.5, rng.gamma(9.0, 0.42, patients)).round(1)
    region = rng.choice(3, patients, p=(0.35, 0.5, 0.15))
    reference = pd.DataFrame(
        {"patient": ids, "status": _words(positive), "region": _named(region), "short_axis_mm": size}
    )
    readers = [
        _judgement(rng, positive, region, size, *rates).assign(patient=ids, reader=name)
        for name, rates in READERS.items()
    ]
    model = _judgement(rng, positive, region, size, *MODEL).assign(patient=ids)
    called = (model["status"] == "positive").to_numpy()
    model["probability"] = np.where(called, rng.beta(6, 2, patients), rng.beta(1.5, 8, patients)).round(4)
    return {
        "patients": _circumstances(seed, clinical),
        "reference": reference,
        "readers": pd.concat(readers, ignore_index=True),
        "model": model,
        "nodes": simulate_nodes(reference, model, seed),
        "follow_up": _follow_up(rng, ids, positive, clinical),
    }


def _clinical(rng: np.random.Generator, ids: npt.NDArray[Any], positive: Booleans) -> pd.DataFrame:
    n = len(ids)
    cea = rng.lognormal(1.2 + 0.3 * positive, 0.9).round(1).astype(object)
    cea[rng.random(n) < 0.04] = ""
    return pd.DataFrame(
        {
            "patient": ids,
            "age": np.clip(rng.normal(59, 11, n), 22, 89).round().astype(int),
            "sex": np.where(rng.random(n) < 0.38, "F", "M"),
            "grade": rng.choice(["well", "moderate", "poor"], n, p=(0.2, 0.62, 0.18)),
            "cea_ng_ml": cea,
            "tumour_size_mm": np.clip(rng.normal(45 + 5 * positive, 14, n), 8, 120).round().astype(int),
            "mrT": rng.choice(["T2", "T3", "T4"], n, p=(0.2, 0.62, 0.18)),
            "mrN": np.where(rng.random(n) < 0.45 + 0.25 * positive, rng.choice(["N1", "N2"], n), "N0"),
            "mrCRM": (rng.random(n) < 0.22 + 0.15 * positive).astype(int),
            "mrEMVI": (rng.random(n) < 0.25 + 0.15 * positive).astype(int),
            "mrTD": (rng.random(n) < 0.12 + 0.15 * positive).astype(int),
        }
    )


def _circumstances(seed: int, clinical: pd.DataFrame) -> pd.DataFrame:
    """Return the patients with hospital, scanner and the response that is known at surgery."""
    rng, n = np.random.default_rng([seed, 2]), len(clinical)
    hospital = rng.choice(["H1", "H2", "H3"], n, p=(0.5, 0.3, 0.2))
    # Each hospital has its scanners: the second shares one maker with each of the others.
    scanner = np.where(hospital == "H1", "A", np.where((hospital == "H3") | (rng.random(n) < 0.5), "B", "A"))
    response = (rng.random(n) < np.where(clinical["mrT"] == "T4", 0.12, 0.25)).astype(int)
    return clinical.assign(hospital=hospital, scanner=scanner, response=response)


def _judgement(
    rng: np.random.Generator,
    positive: Booleans,
    region: npt.NDArray[Any],
    size: Floats,
    sensitivity: float,
    specificity: float,
) -> pd.DataFrame:
    n = len(positive)
    called = np.where(positive, rng.random(n) < sensitivity, rng.random(n) >= specificity)
    seen = np.where(rng.random(n) < 0.85, region, rng.choice(3, n))
    measured = np.clip(size + rng.normal(0.1, 0.7, n), 0.5, None).round(1)
    return pd.DataFrame({"status": _words(called), "region": _named(seen), "short_axis_mm": measured})


def _follow_up(
    rng: np.random.Generator, ids: npt.NDArray[Any], positive: Booleans, clinical: pd.DataFrame
) -> pd.DataFrame:
    """Return months to recurrence or death, to death, and to lateral recurrence with its competing events."""
    n = len(ids)
    log_hazard = 0.75 * positive + 1.2 * clinical["mrTD"] + 0.5 * clinical["mrCRM"] - 0.4 * (clinical["sex"] == "F")
    recurrence = rng.exponential(170.0 / np.exp(log_hazard))
    death = np.minimum(recurrence + rng.exponential(30.0, n), rng.exponential(420.0, n))
    end = rng.uniform(24.0, 84.0, n)
    lateral = rng.random(n) < np.where(positive, 0.45, 0.12)
    first = np.minimum(recurrence, death)
    dfs, overall = np.minimum(first, end), np.minimum(death, end)
    event = np.where(dfs < first, 0, np.where(lateral & (recurrence <= death), 1, 2))
    lost = rng.random(n) < 0.01
    text = [np.where(lost, "", months.round(1).astype(str)) for months in (dfs, overall)]
    return pd.DataFrame(
        {
            "patient": ids,
            "dfs_months": text[0],
            "recurrence_or_death": (event > 0).astype(int),
            "os_months": text[1],
            "death": (overall >= death).astype(int),
            "lateral_recurrence": event,
        }
    )


def _words(called: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.where(called, "positive", "negative")


def _named(region: npt.NDArray[Any]) -> npt.NDArray[Any]:
    names: npt.NDArray[Any] = np.asarray(SHORT_NAMES)[region]
    return names


def write_findings(folder: Path, model: pd.DataFrame, nodes: pd.DataFrame) -> None:
    """Write one findings.json of schema 1.1 per patient, with the model's nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    stations = {each.abbreviation: each.name for each in STUDY_ORDER}
    of_patient = {patient: list(rows.itertuples(index=False)) for patient, rows in nodes.groupby("patient")}
    for row in model.itertuples(index=False):
        named = [_node(index, each, stations) for index, each in enumerate(of_patient[row.patient], start=1)]
        text = json.dumps(_findings(row, named), sort_keys=True)
        (folder / f"{row.patient}.json").write_text(text + "\n", encoding="utf-8")


def _node(index: int, row: Any, stations: dict[str, Station]) -> dict[str, Any]:
    station = stations[str(row.station)]
    return {
        "id": index, "side": row.side, "station": station, "short_axis_mm": row.short_axis_mm,
        "long_axis_mm": round(1.4 * row.short_axis_mm, 1), "volume_mm3": round(0.7 * row.short_axis_mm**3, 1),
        "centroid_lps_mm": [row.x_mm, row.y_mm, row.z_mm], "status": row.status, "status_by_rule": row.status,
        "status_by_model": row.status, "probability": float(row.probability), "mean_posterior": 0.9,
        "short_axis_interval_mm": None, "axis_endpoints_lps_mm": None, "station_probabilities": None,
        "regional": STATION[station].is_regional, "features": None, "conglomerate": None, "tracking_uid": None,
        "cut_by_image": None,
    }  # fmt: skip


def _findings(row: Any, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    case = dict.fromkeys(("study_instance_uid", "series_instance_uid", "frame_of_reference_uid"))
    source = dict.fromkeys(("shape_zyx", "spacing_mm_zyx", "origin_lps_mm", "direction", "manufacturer", "model_name"))
    model = {"bundle_name": "simulated", "bundle_version": "0", "bundle_digest": "0", "trained_on": "phantom"}
    return {
        "schema_version": "1.0", "software_version": "simulated", "status": row.status, "probability": row.probability,
        "case": case | {"case_id": row.patient}, "assessed": [], "nodes": nodes, "gates": [], "refusal": [],
        "context": {"time_point": "baseline", "prior_case_id": None}, "rules": {"id": "simulated"},
        "warnings": ["simulated"], "timings_s": {},
        "input": source | {"source": "volume", "instance_count": 0, "is_phantom": True, "field_strength_t": None},
        "model": model | {"backend": "simulated", "mode": "exact", "fold_count": 5},
    }  # fmt: skip


def main(
    folder: Annotated[Path, typer.Argument(help="Where the tables are written.")],
    patients: Annotated[int, typer.Option(min=20, help="How many simulated patients.")] = 240,
    seed: Annotated[int, typer.Option(help="Start of the random numbers; the same seed gives the same study.")] = 1,
    findings: Annotated[bool, typer.Option(help="Write the model's judgements as findings.json, too.")] = False,
) -> None:
    """Write a simulated study's tables beside a copy of the example's study file."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = simulate(patients, seed)
    for name, table in tables.items():
        columns = ["patient", *(column for column in table if column != "patient")]
        table[columns].to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    study = (Path(__file__).parent / "study.yaml").read_text(encoding="utf-8")
    if findings:
        nodes = tables["nodes"]
        write_findings(folder / "findings", tables["model"], nodes[nodes["rater"] == "model"])
        start = study.index("  - name: model")
        end = study.index("  - name: R1")
        study = study[:start] + "  - {name: model, role: model, findings: findings}\n" + study[end:]
    (folder / "study.yaml").write_text(study.replace("simulated/", ""), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
