"""Learning curves: every epoch of every run, over restarts, on one page and picture that follow the training."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.labels import LABEL_NAMES
from tests.fixtures.toy_training import TINY, toy_workspace
from training.cli import app
from training.curves import FOREGROUND
from training.jobs import Job
from training.learning_curves import PAGE, PICTURE, LearningCurves, curves_of, write_page
from training.prediction import kept_prediction, prediction_file, remove_stale
from training.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset whose fold 0 has two epochs, and then one more."""
    config = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0")
    workspace = toy_workspace(tmp_path_factory.mktemp("curves"), config, warm_start_cases=0)
    _fit(workspace, 2)
    return workspace


def _fit(workspace: Workspace, epochs: int) -> None:
    command = ["fit", "--work", str(workspace.root), "--config", str(workspace.root / "tiny.toml")]
    done = CliRunner().invoke(
        app, [*command, "--dataset", workspace.dataset, "--folds", "0", "--epochs", str(epochs)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output


def _job(workspace: Workspace) -> Job:
    return Job(workspace, 0, threads=1, device="cpu")


def _curves(workspace: Workspace) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_job(workspace).curves.read_text())
    return content


def test_every_epoch_is_there_also_after_more_of_them_and_old_predictions_are_not(workspace: Workspace) -> None:
    before = _curves(workspace)
    assert (len(before["train_loss"]), before["epochs"]) == (2, 2)
    assert list(before["dice"]) == [name for name, value in LABEL_NAMES.items() if value > 0] == list(FOREGROUND)
    case, other = workspace.splits()[0]["val"][0], workspace.splits()[0]["train"][0]
    kept_prediction(workspace, 0, case)
    prediction_file(workspace, 0, other).write_bytes(prediction_file(workspace, 0, case).read_bytes())
    foreign = prediction_file(workspace, 0, "of_nnunet")
    foreign.write_bytes(b"not ours")
    remove_stale(workspace, 0)
    # What this fold does not validate goes, what another program wrote stays.
    assert sorted(path.stem for path in foreign.parent.iterdir()) == sorted([case, "of_nnunet"])
    _fit(workspace, 3)
    assert not foreign.parent.exists(), "answers of weights that are no more"
    after = _curves(workspace)
    for name in ("train_loss", "validation_loss", "epoch_s", "rate"):
        assert after[name][:2] == before[name]
        assert len(after[name]) == 3
    assert {name: values[:2] for name, values in after["dice"].items()} == before["dice"]


def test_page_and_picture_show_all_runs_and_the_page_renews_itself_while_they_go_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    page = (workspace.model / PAGE).read_text()
    assert "refresh" not in page
    assert "<td>fold 0" in page
    assert page.count("data:image/png;base64,") == 1
    assert "http" not in page.replace("http-equiv", ""), "nothing is fetched"
    picture = (workspace.model / PICTURE).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1440, 640)
    write_page(tmp_path, curves_of([_job(workspace)]), over=False)
    assert '<meta http-equiv="refresh"' in (tmp_path / PAGE).read_text()


def test_they_are_drawn_when_an_epoch_has_ended_and_not_in_between(workspace: Workspace) -> None:
    curves, page = LearningCurves(workspace), workspace.model / PAGE
    page.unlink(missing_ok=True)
    curves.report([_job(workspace)])
    assert page.is_file()
    page.unlink()
    curves.draw([_job(workspace)])
    assert not page.exists(), "nothing has changed"


def test_without_a_whole_epoch_there_is_nothing_to_draw(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "Dataset509_Tiny", "tiny")
    LearningCurves(workspace).draw([_job(workspace)])
    assert not workspace.model.exists()
