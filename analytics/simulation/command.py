"""The command `simulate`: a simulated study in a folder."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from analytics.simulation.design import CohortDesign


def simulate(
    out: Annotated[
        Path,
        typer.Option("--out", "-o", file_okay=False, help="Folder for tables, findings, study file and true values."),
    ],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    patients: Annotated[
        int, typer.Option(min=100, help="Training and external test together, 1,000 : 480 as in the paper.")
    ] = 1480,
) -> None:
    """Simulate a multi-centre study with known true values; no patient stands behind it."""
    # Help answers before anything heavy is loaded.
    from analytics.simulation.cohort import simulate_cohort
    from analytics.simulation.study_folder import write_study

    typer.echo(str(write_study(simulate_cohort(design_of(patients), seed), out)))


def design_of(patients: int) -> CohortDesign:
    """Return the paper's design with so many patients, the same share of them in the external test."""
    paper = CohortDesign()
    test = round(patients * paper.test_patients / (paper.training_patients + paper.test_patients))
    return replace(paper, training_patients=patients - test, test_patients=test)
