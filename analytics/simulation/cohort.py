"""A whole simulated cohort: patients, nodes, readers, model, follow-up and what is missing, from one seed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit, logit

from analytics.simulation.design import CohortDesign
from analytics.simulation.follow_up import Outcomes, draw_outcomes
from analytics.simulation.nodes import BoolArray, LeadingNodes, Nodes, draw_nodes, leading_nodes
from analytics.simulation.patients import Patients, StrArray, draw_patients, draw_scanners
from analytics.simulation.places import Places, draw_places
from analytics.simulation.raters import (
    Readings,
    ReportedNodes,
    draw_readings,
    draw_reported_nodes,
    draw_shared_impression,
)
from analytics.simulation.truth import prevalence

_NODES: Final = 1
_SCANNERS: Final = 2
"""Streams of random numbers of their own, so that all else is the same with and without them."""


@dataclass(frozen=True)
class Missing:
    """What is absent from the tables; all masks have shape (patients,), true where absent."""

    covariates: dict[str, BoolArray]
    readings: dict[str, BoolArray]
    follow_up: BoolArray


@dataclass(frozen=True)
class Cohort:
    """Everything about simulated patients; row i of every array of shape (patients,) is one patient."""

    design: CohortDesign
    seed: int
    patients: Patients
    nodes: Nodes
    reference: LeadingNodes
    readers: dict[str, Readings]
    model: Readings
    model_nodes: ReportedNodes
    reader_nodes: dict[str, ReportedNodes]
    places: Places
    scanner: StrArray
    outcomes: Outcomes
    missing: Missing

    @property
    def risk(self) -> dict[str, BoolArray]:
        """The risk factors that the hazards depend on, by name."""
        return risk_factors(self.patients, self.model)


def simulate_cohort(design: CohortDesign, seed: int) -> Cohort:
    """Return a cohort; the same design and seed give the same one, on any machine with this numpy."""
    rng = np.random.default_rng(seed)
    patients = draw_patients(rng, design)
    nodes = draw_nodes(rng, design.nodes, patients.node_positive)
    reference = leading_nodes(nodes, len(patients))
    shared = draw_shared_impression(rng, design, len(patients))
    share = prevalence(design)
    readers = {rater.name: draw_readings(rng, design, rater, reference, shared, share) for rater in design.readers}
    model = draw_readings(rng, design, design.model, reference, shared, share)
    model_nodes = draw_reported_nodes(rng, design, design.model, nodes, reference, model)
    apart = np.random.default_rng([seed, _NODES])
    reader_nodes = {
        rater.name: draw_reported_nodes(apart, design, rater, nodes, reference, readers[rater.name])
        for rater in design.readers
    }
    return Cohort(
        design=design,
        seed=seed,
        patients=patients,
        nodes=nodes,
        reference=reference,
        readers=readers,
        model=model,
        model_nodes=model_nodes,
        reader_nodes=reader_nodes,
        places=draw_places(apart, design.places, nodes, {design.model.name: model_nodes, **reader_nodes}),
        scanner=draw_scanners(np.random.default_rng([seed, _SCANNERS]), design, patients),
        outcomes=draw_outcomes(rng, design.follow_up, risk_factors(patients, model), len(patients)),
        missing=_draw_missing(rng, design, patients),
    )


def risk_factors(patients: Patients, model: Readings) -> dict[str, BoolArray]:
    """Return the risk factors that the hazards depend on, by name, shape (patients,) each."""
    graded = patients.graded
    return {
        "female": graded["sex"] == 1,
        "model_positive": model.positive,
        "mrtd": graded["mrtd"] == 1,
        "mrcrm": graded["mrcrm"] == 1,
    }


def _draw_missing(rng: np.random.Generator, design: CohortDesign, patients: Patients) -> Missing:
    missing, n = design.missing, len(patients)
    decades = (patients.measured["age_years"] - 60.0) / 10.0

    def absent(share: float) -> BoolArray:
        uniform = rng.random(n)
        if missing.age_slope == 0.0 or share == 0.0:
            return uniform < share
        return uniform < expit(logit(share) + missing.age_slope * decades)

    return Missing(
        covariates={name: absent(missing.covariate_share) for name in missing.covariates},
        readings={rater.name: absent(missing.reading_share) for rater in design.readers},
        follow_up=absent(missing.follow_up_share),
    )
