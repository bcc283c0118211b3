"""What is told of a run's time: the measured step, the epoch under way, waiting folds, a line per epoch in a log."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from tests.fixtures.toy_training import toy_trainer, toy_workspace
from training.bars import FoldBars, estimate, share_of, where_of
from training.jobs import Job
from training.pace import Pace, StepTime
from training.step_time import measure_step, noise_batch, time_step
from training.workspace import Workspace, write_json

PROGRESS = {
    "epoch": 2,
    "epochs": 4,
    "epoch_s": 30.0,
    "remaining_s": 60,
    "train_loss": 0.5,
    "validation_loss": 0.625,
    "dice": [0.75, None],
}


def _job(folder: Path, fold: int) -> Job:
    job = Job(Workspace(folder, "Dataset509_Tiny", "tiny"), fold, threads=1, device="cpu")
    job.output.mkdir(parents=True)
    return job


@pytest.mark.parametrize(
    ("processes", "expected_s"),
    # By hand, for steps of 3 s and batches that take 12 s to cut; a validation batch takes a third of a step.
    [(0, 10 * (3 + 12) + 2 * (1 + 12)), (2, 10 * 6 + 2 * 12), (8, 10 * 3 + 2 * 12)],
)
def test_an_epoch_takes_what_its_steps_and_the_cutting_of_its_batches_take(processes: int, expected_s: float) -> None:
    assert StepTime(3, 12).epoch_s(10, 2, processes) == pytest.approx(expected_s)


def test_a_run_says_where_it_is_within_its_epoch_and_how_much_is_left(tmp_path: Path) -> None:
    job = _job(tmp_path, 0)
    assert job.pace() is None
    pace = Pace(job.output, epochs=4, steps_per_epoch=10)
    pace.started()
    assert job.pace() == {}
    pace.measured_step(1, StepTime(2.0), epoch_s=100)
    told = job.pace()
    assert told is not None
    # Three of four epochs of 100 s are left before the second.
    assert (told["epoch"], told["step"], told["step_s"], told["remaining_s"]) == (1, 0, 2.0, 300)
    pace._written_s = float("-inf")  # as if a second had passed
    pace.step(1)
    told = job.pace()
    assert told is not None
    assert (told["step"], told["remaining_s"]) == (1, 290)
    job.forget_pace()
    assert job.pace() is None


def test_waiting_starting_and_running_are_told_apart() -> None:
    under_way = {"epoch": 2, "epochs": 4, "step": 5, "steps_per_epoch": 10, "step_s": 2.0, "remaining_s": 3725}
    assert where_of({}, None) == "waits"
    assert where_of(PROGRESS, None) == "waits, at epoch 2 of 4"
    assert where_of({}, {}) == "starts"
    assert where_of({}, under_way) == "epoch 3 of 4, step 5 of 10, 1:02:05 left"
    assert where_of(PROGRESS, under_way) == "epoch 3 of 4, step 5 of 10, Dice 0.75 -, 1:02:05 left"
    assert (share_of({}, None), share_of({}, {}), share_of(PROGRESS, None)) == (0.0, 0.0, 0.5)
    assert share_of(PROGRESS, under_way) == pytest.approx(0.625)
    assert estimate({}) == ""


def _drawn(jobs: list[Job], *, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
    bars = FoldBars(None, 2, console)
    with bars.progress:
        bars.report(jobs)
        write_json(jobs[0].output / "progress.json", PROGRESS | {"epoch": 3, "remaining_s": 30})
        bars.report(jobs)
        bars.report(jobs)
    file: Any = console.file
    return str(file.getvalue())


@pytest.fixture
def three_jobs(tmp_path: Path) -> list[Job]:
    """Return one run under way that has measured a step, one that waits for its turn, and one that is done."""
    jobs = [_job(tmp_path, fold) for fold in range(3)]
    write_json(jobs[0].output / "progress.json", PROGRESS)
    Pace(jobs[0].output, 4, 10).measured_step(2, StepTime(2.0), epoch_s=30)
    jobs[2].final_checkpoint.touch()
    return jobs


def test_at_a_terminal_bars_move_within_an_epoch_and_waiting_runs_say_so(three_jobs: list[Job]) -> None:
    text = _drawn(three_jobs, terminal=True)
    assert "epoch 3 of 4, step 0 of 10" in text
    assert "waits" in text
    assert "done" in text
    assert "loss 0.5" not in text


def test_in_a_log_every_epoch_has_its_line_and_the_first_one_says_what_the_whole_takes(three_jobs: list[Job]) -> None:
    first, *lines = _drawn(three_jobs, terminal=False).splitlines()
    # Two runs of 60 s are left, and go at the same time.
    assert first == "fold 0: 2 s a step, about 0:01:00 left; 2 runs, 2 at a time: about 0:01:00"
    (line,) = lines
    told = "fold 0: epoch 3 of 4, loss 0.5, validation 0.625, Dice 0.750 -, 30.0 s, 0:00:30 left"
    assert line.endswith(told)
    assert line.removesuffix(told).count(":") == 2, "the time of day"


def test_the_measured_step_moves_no_weight(tmp_path: Path) -> None:
    trainer = toy_trainer(toy_workspace(tmp_path))
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    for step_s in (
        measure_step(trainer).step_s,
        measure_step(trainer).batch_s,
        time_step(trainer, noise_batch(trainer)),
    ):
        assert step_s > 0
    assert all(torch.equal(value, before[name]) for name, value in trainer.network.state_dict().items())
    assert [each for each in trainer.network.parameters() if each.grad is not None] == []


def test_the_status_file_says_where_each_run_is_within_its_epoch(three_jobs: list[Job], tmp_path: Path) -> None:
    FoldBars(tmp_path / "status.json").report(three_jobs)
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["fold 0"]["pace"]["steps_per_epoch"] == 10
    assert status["fold 1"]["pace"] is None
