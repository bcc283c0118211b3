"""A data set that changes under trained folds fools nobody: folds stay, are refused, and are measured only unseen."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from base.errors import SettingInvalid
from base.exit_status import exit_status
from tests.fixtures.toy_training import CASES, TINY, toy_case, toy_workspace
from training import preparation
from training.cli import app
from training.dataset import RawDataset, write_case, write_description
from training.evaluation import held_out
from training.fitting import fit
from training.jobs import Changes, Job, Schedule
from training.lineage.comparing import RunDiffers
from training.lineage.marks import marker_of
from training.lineage.proving import NotOutOfFold, doubts
from training.lineage.record import RECORD, read_stored
from training.one_run import train
from training.trainer import SidewallTrainer
from training.workspace import CASES_FILE, Workspace, file_digest, write_json

ALL = (0, 1, 2, 3, 4)
CONFIG = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0").replace("epochs = 3", "epochs = 1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a dataset whose five folds are trained."""
    workspace = toy_workspace(tmp_path_factory.mktemp("honest"), CONFIG, warm_start_cases=0)
    for fold in ALL:
        train(Job(workspace, fold, threads=1, device="cpu"))
    return workspace


@pytest.fixture
def workspace(trained: Workspace, tmp_path: Path) -> Workspace:
    """Return a copy of it that a test may change."""
    shutil.copytree(trained.root, tmp_path / "work")
    return replace(trained, root=tmp_path / "work")


def prepare_again(workspace: Workspace, names: list[str], *, anew: bool = False) -> None:
    """Do what a second `prepare` does with the raw cases that lie there."""
    write_description(workspace, names, RawDataset("phantom", {}))
    preparation.write_splits(workspace, 0, anew=anew)
    list(preparation.preprocess(workspace, processes=1))
    preparation.take_snapshot(workspace)


def edit_mask(workspace: Workspace, name: str) -> None:
    image, labels = toy_case(int(name.removeprefix("case_")))
    voxels = labels.voxels.copy()
    voxels[2:4, 30:34, 32:36] = 4
    write_case(workspace.raw, name, image, labels.with_voxels(voxels))


def names_without(*dropped: str) -> list[str]:
    return [name for name in (f"case_{number}" for number in range(CASES)) if name not in dropped]


def fit_tiny(workspace: Workspace, *folds: int, anew: bool = False) -> list[str]:
    """Train and return what was said."""
    said: list[str] = []
    fit(workspace, Schedule(folds=folds, anew=anew), lambda _: None, said.append)
    return said


def test_the_folds_of_an_unchanged_data_set_are_proved_to_have_seen_none_of_their_cases(workspace: Workspace) -> None:
    assert doubts(workspace, held_out(workspace, ALL, None)) == {}
    assert fit_tiny(workspace, 0, 3) == ["fold 0: already so, 1 epochs", "fold 3: already so, 1 epochs"]


def test_a_dropped_case_and_an_edited_mask_leave_every_other_case_in_its_fold(workspace: Workspace) -> None:
    before = {name: fold for fold, split in enumerate(workspace.splits()) for name in split["val"]}
    dropped = next(split["val"][0] for split in workspace.splits() if len(split["val"]) > 1)
    edited = next(name for name in before if before[name] != before[dropped])
    edit_mask(workspace, edited)
    prepare_again(workspace, names_without(dropped))
    after = {name: fold for fold, split in enumerate(workspace.splits()) for name in split["val"]}
    assert after == {name: fold for name, fold in before.items() if name != dropped}
    # The folds are of another data set and say so; what they validate they still have not seen.
    with pytest.raises(RunDiffers) as refusal:
        fit_tiny(workspace, *ALL)
    for fold in ALL:
        assert f"fold {fold} lies there and was made otherwise" in str(refusal.value)
    assert "1 gone from it now" in str(refusal.value)
    assert "1 with another image, mask or grid now" in str(refusal.value)
    assert "--anew" in str(refusal.value)
    assert doubts(workspace, held_out(workspace, ALL, None)) == {}


def test_folds_that_are_dealt_anew_are_not_measured_by_what_was_trained_before(workspace: Workspace) -> None:
    """The leak: `fit` returned at once, and cases were scored by folds that had trained on them."""
    dropped = workspace.splits()[0]["val"][0]
    prepare_again(workspace, names_without(dropped), anew=True)
    with pytest.raises(NotOutOfFold, match=r"of 6 cases were seen in training: case_\d \(fold \d: it had learnt"):
        doubts(workspace, held_out(workspace, ALL, None))
    out = workspace.root / "evaluation"
    arguments = ["evaluate", "--work", str(workspace.root), "--config", str(workspace.root / "tiny.toml")]
    done = CliRunner().invoke(app, [*arguments, "--dataset", workspace.dataset, "--out", str(out)])
    assert isinstance(done.exception, NotOutOfFold)
    assert exit_status(done.exception) == 2
    assert not out.exists()


def test_a_fold_that_does_not_match_is_trained_anew_when_asked_and_then_matches(workspace: Workspace) -> None:
    before = file_digest(workspace.fold(0) / "checkpoint_final.pth")
    edit_mask(workspace, workspace.splits()[0]["train"][0])
    prepare_again(workspace, names_without())
    (said,) = fit_tiny(workspace, 0, anew=True)
    assert said.startswith("fold 0: trained anew, for it was trained on 5 cases")
    assert file_digest(workspace.fold(0) / "checkpoint_final.pth") != before
    assert fit_tiny(workspace, 0, anew=True) == ["fold 0: already so, 1 epochs"]


def test_a_half_trained_fold_of_another_data_set_does_not_go_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(workspace.fold(1))
    job = Job(workspace, 1, threads=1, device="cpu", changes=Changes(epochs=3))
    step, count = SidewallTrainer.train_step, iter(range(100))

    def failing(self: SidewallTrainer, batch: dict[str, object]) -> dict[str, object]:
        if next(count) == 6:
            raise KeyboardInterrupt
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(SidewallTrainer, "train_step", failing)
        with pytest.raises(KeyboardInterrupt):
            train(job)
    stored = read_stored(job.latest_checkpoint)
    assert stored is not None
    assert stored.epochs == 1
    edit_mask(workspace, workspace.splits()[1]["train"][0])
    prepare_again(workspace, names_without())
    with pytest.raises(RunDiffers, match="1 with another image, mask or grid now"):
        train(job)
    with pytest.raises(RunDiffers, match="fold 1 lies there and was made otherwise"):
        fit(workspace, Schedule(folds=(1,), changes=job.changes), lambda _: None)


def test_another_case_of_the_same_patient_counts_as_seen(workspace: Workspace) -> None:
    """The table is corrected after the training: two cases turn out to be of one patient."""
    validated, trained_on = workspace.splits()[2]["val"][0], workspace.splits()[2]["train"][0]
    patients = {name: name for name in names_without()} | {trained_on: validated}
    described = [
        {"case": name, "patient": patient, "hospital": "north", "node_status": "negative", "split": "train"}
        for name, patient in patients.items()
    ]
    write_json(workspace.raw / CASES_FILE, described)
    prepare_again(workspace, names_without())
    work = held_out(workspace, ALL, None)
    # Both now belong to one fold, which has seen one of them.
    assert len({fold for fold, name in work if name in (validated, trained_on)}) == 1
    with pytest.raises(NotOutOfFold, match="another one of the patient"):
        doubts(workspace, work)


def test_a_checkpoint_in_the_wrong_folder_is_found_out_by_what_it_says_itself(workspace: Workspace) -> None:
    for name in ("checkpoint_final.pth",):
        shutil.copy(workspace.fold(1) / name, workspace.fold(0) / name)
    with pytest.raises(NotOutOfFold, match=r"\(fold 0: it had learnt"):
        doubts(workspace, held_out(workspace, (0,), None))


def test_a_checkpoint_that_says_nothing_is_measured_but_not_called_out_of_fold(workspace: Workspace) -> None:
    path = workspace.fold(0) / "checkpoint_final.pth"
    content = torch.load(path, weights_only=False)
    del content[RECORD]
    torch.save(content, path)
    case = workspace.splits()[0]["val"][0]
    assert doubts(workspace, [(0, case)]) == {case: "the fold's checkpoint does not say what it has seen"}
    with pytest.raises(RunDiffers, match="does not say what it was trained on"):
        fit_tiny(workspace, 0)
    out = workspace.root / "evaluation"
    arguments = ["evaluate", "--work", str(workspace.root), "--config", str(workspace.root / "tiny.toml"), "--folds"]
    arguments += ["0-1", "--processes", "1", "--dataset", workspace.dataset, "--out", str(out)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    page = (out / "evaluation.html").read_text()
    count = len(workspace.splits()[0]["val"])
    total = count + len(workspace.splits()[1]["val"])
    assert f"{count} of {total} cases are not out-of-fold" in page
    assert "never saw" not in page
    basis = json.loads((out / "chosen.json").read_text())["chosen_on"]
    assert (basis["cases"], basis["out_of_fold_cases"]) == (total, total - count)


def test_a_mask_that_changed_since_prepare_is_named_before_anything_is_measured(workspace: Workspace) -> None:
    case = workspace.splits()[0]["val"][0]
    edit_mask(workspace, case)
    with pytest.raises(SettingInvalid, match=f"case {case}, whose image or mask is another one.*run `prepare` again"):
        doubts(workspace, [(0, case)])


def test_marks_tell_neither_case_nor_patient_and_need_the_key_of_the_work_folder(workspace: Workspace) -> None:
    content = torch.load(workspace.fold(0) / "checkpoint_final.pth", weights_only=False)[RECORD]
    text = json.dumps(content)
    assert "case_" not in text
    key = (workspace.root / "private" / "lineage_key").read_text()
    assert key not in text
    (workspace.root / "private" / "lineage_key").unlink()
    assert marker_of(workspace).key_id != content["key_id"]
    case = workspace.splits()[0]["val"][0]
    assert doubts(workspace, [(0, case)]) == {case: "the fold's cases are marked with the key of another work folder"}


def test_a_new_case_goes_to_the_fold_with_fewest_alike_and_a_dropped_one_comes_back_to_its_own(
    workspace: Workspace,
) -> None:
    before = {name: fold for fold, split in enumerate(workspace.splits()) for name in split["val"]}
    dropped = next(split["val"][0] for split in workspace.splits() if len(split["val"]) > 1)
    write_case(workspace.raw, "case_7", *toy_case(7))
    prepare_again(workspace, [*names_without(dropped), "case_7"])
    sizes = [len(split["val"]) for split in workspace.splits()]
    assert max(sizes) - min(sizes) <= 1
    prepare_again(workspace, [*names_without(), "case_7"])
    after = {name: fold for fold, split in enumerate(workspace.splits()) for name in split["val"]}
    assert after.pop("case_7") in ALL
    assert after == before


def test_a_fold_whose_cases_are_all_gone_is_refused_with_the_flag_that_deals_anew(workspace: Workspace) -> None:
    gone = workspace.splits()[4]["val"]
    with pytest.raises(SettingInvalid, match=r"no case of the folds \[4\].*--deal-anew"):
        prepare_again(workspace, names_without(*gone))


def test_weights_of_a_bundle_that_nobody_knows_make_no_out_of_fold_figures(workspace: Workspace) -> None:
    from export.checkpoints import read_checkpoint, read_model_folder
    from export.onnx_model import export_fold

    checkpoint = workspace.fold(0) / "checkpoint_final.pth"
    network = read_model_folder(workspace.model).build_network(read_checkpoint(checkpoint).weights)
    bundle = workspace.root / "bundle"
    bundle.mkdir()
    (bundle / "fold_0.onnx").write_bytes(export_fold(network, (8, 32, 32)))
    changes = Changes(start_from=bundle)
    case = workspace.splits()[0]["val"][0]
    kept = checkpoint.read_bytes()
    shutil.rmtree(workspace.fold(0))
    train(Job(workspace, 0, threads=1, device="cpu", changes=changes))
    assert doubts(workspace, [(0, case)]) == {case: "nobody knows what the bundle that it began with had seen"}
    # With the checkpoint it was made from in the work folder it is known: what that one says.
    elsewhere = workspace.model.with_name("SidewallTrainer__earlier__3d_fullres") / "fold_0" / "checkpoint_final.pth"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_bytes(kept)
    manifest = {
        "trained_on": "phantom",
        "provenance": {"folds": [{"checkpoint_sha256": file_digest(elsewhere)}]},
        "files": [{"path": "fold_0.onnx", "sha256": file_digest(bundle / "fold_0.onnx")}],
    }
    write_json(bundle / "manifest.json", manifest)
    shutil.rmtree(workspace.fold(0))
    train(Job(workspace, 0, threads=1, device="cpu", changes=changes))
    assert doubts(workspace, [(0, case)]) == {}
    # Had that checkpoint learnt from the case, this fold has too.
    other = workspace.splits()[0]["train"][0]
    with pytest.raises(NotOutOfFold):
        doubts(workspace, [(0, other)])
