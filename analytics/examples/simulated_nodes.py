"""The nodes of a simulated study: those of the reference, and what the model makes of them."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sidewall.vocabulary import SIDES

_STREAM: Final = 1
"""Nodes have random numbers of their own, so that the patients stay the same with and without them."""

_EXTRA_PER_PATIENT: Final = 0.8
_FALSE_PER_PATIENT: Final = 0.12
_SEEN: Final = 0.82
_PLACES_MM: Final[dict[str, tuple[float, float, float]]] = {
    "II": (38.0, 25.0, 0.0), "OB": (45.0, 5.0, -8.0), "EI": (52.0, -20.0, 6.0),
}  # fmt: skip


def simulate_nodes(reference: pd.DataFrame, model: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row per node of `rater` reference or model; every patient's largest node is that of the tables."""
    rng = np.random.default_rng([seed, _STREAM])
    leading = reference.assign(side=rng.choice(SIDES, len(reference)), lead=True)
    extra = _others(rng, reference, _EXTRA_PER_PATIENT)
    inside_positive = extra["status"] == "positive"
    extra["status"] = np.where(inside_positive & (rng.random(len(extra)) < 0.3), "positive", "negative")
    true = _placed(rng, pd.concat([leading, extra], ignore_index=True))
    found = true[true["lead"] | (rng.random(len(true)) < _SEEN)].reset_index(drop=True)
    wrong = _others(rng, reference, _FALSE_PER_PATIENT).assign(status="negative")
    found = pd.concat([found, _placed(rng, wrong)], ignore_index=True)
    tables = [true.assign(rater="reference", probability=""), _by_model(rng, found, model).assign(rater="model")]
    columns = ["patient", "rater", "side", "station", "status", "short_axis_mm", "x_mm", "y_mm", "z_mm", "probability"]
    nodes = pd.concat(tables, ignore_index=True).rename(columns={"region": "station"})
    return nodes.sort_values(["patient", "rater"], ascending=[True, False], kind="stable")[columns]


def _others(rng: np.random.Generator, reference: pd.DataFrame, per_patient: float) -> pd.DataFrame:
    """Return further nodes, smaller than the largest one, with the status of their patient."""
    rows = reference.loc[np.repeat(reference.index, rng.poisson(per_patient, len(reference)))].reset_index(drop=True)
    n = len(rows)
    smaller = (rows["short_axis_mm"] * rng.uniform(0.4, 0.95, n)).round(1)
    return rows.assign(
        side=rng.choice(SIDES, n), region=rng.choice([*_PLACES_MM], n), short_axis_mm=smaller, lead=False
    )


def _placed(rng: np.random.Generator, nodes: pd.DataFrame) -> pd.DataFrame:
    middles = np.array([_PLACES_MM[region] for region in nodes["region"]]).reshape(-1, 3)
    centres = middles + rng.normal(0, (4, 9, 9), (len(nodes), 3))
    # Left is the positive direction of x in LPS.
    centres[:, 0] *= np.where(nodes["side"] == "left", 1, -1)
    return nodes.assign(**dict(zip(("x_mm", "y_mm", "z_mm"), centres.round(1).T, strict=True)))


def _by_model(rng: np.random.Generator, found: pd.DataFrame, model: pd.DataFrame) -> pd.DataFrame:
    """Return the found nodes with the model's words; none is positive where its patient is not."""
    judged = model.set_index("patient").loc[found["patient"]].reset_index(drop=True)
    n, lead = len(found), found["lead"].to_numpy(dtype=bool)
    rate = np.where(found["status"] == "positive", 0.75, 0.1)
    called = (judged["status"] == "positive") & (lead | (rng.random(n) < rate))
    score = judged["probability"] * np.where(called, rng.uniform(0.6, 1.0, n), rng.beta(2, 6, n))
    centres = found[["x_mm", "y_mm", "z_mm"]] + rng.normal(0, 1.2, (n, 3))
    measured: npt.NDArray[Any] = np.clip(found["short_axis_mm"] + rng.normal(0.1, 0.7, n), 0.5, None)
    largest = judged["short_axis_mm"]
    return found.assign(
        region=np.where(lead, judged["region"], found["region"]),
        status=np.where(called, "positive", "negative"),
        short_axis_mm=np.where(lead, largest, np.minimum(measured, largest)).round(1),
        probability=np.where(lead, judged["probability"], score).round(4),
        **{name: centres[name].round(1) for name in ("x_mm", "y_mm", "z_mm")},
    )
