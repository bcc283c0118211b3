"""The command `simulate`: a simulated study in a folder."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from analytics.simulation.cohort import simulate_cohort
from analytics.simulation.design import CohortDesign
from analytics.simulation.study_folder import write_study


def simulate(
    out: Annotated[Path, typer.Option("--out", help="Folder for the tables, findings, study file and truth.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    patients: Annotated[
        int, typer.Option(min=100, help="Training and external test patients together, about 2 : 1 as in the paper.")
    ] = 1480,
) -> None:
    """Simulate a multi-centre study with known true parameters; no patient stands behind it."""
    study = write_study(simulate_cohort(design_of(patients), seed), out)
    typer.echo(str(study))


def design_of(patients: int) -> CohortDesign:
    """Return the paper's design with so many patients, the same share of them in the external test."""
    paper = CohortDesign()
    test = round(patients * paper.test_patients / (paper.training_patients + paper.test_patients))
    return replace(paper, training_patients=patients - test, test_patients=test)
