"""A study's own data made ready for planning: taken in, dealt to folds, described on a sheet."""

from collections.abc import Callable, Sequence

from training.datasheet.page import write_datasheet
from training.dealing import Deal
from training.intake.faults import NothingLeft
from training.intake.study import Follow, StudyFiles, TakenIn, take_in_study
from training.preparation import write_splits
from training.splits import Split
from training.workspace import Workspace


def prepare_own_data(
    workspace: Workspace,
    files: StudyFiles,
    trained_on: str,
    dealing: Deal,
    processes: int,
    *,
    follow: Follow,
    show: Callable[[TakenIn], None],
) -> TakenIn:
    """Take a study in, show what came of it, deal the folds and write the data sheet, which a failure does not spare.

    Raises `NothingLeft` without a training case, and `SettingInvalid` on what cannot be paired or dealt.
    """
    taken = take_in_study(workspace, files, trained_on, processes, follow)
    show(taken)
    folds: Sequence[Split] = ()
    try:
        if not any(record.split == "train" for record in taken.accepted):
            tested = len(taken.accepted)
            raise NothingLeft(f"no case to train on: {len(taken.rejected)} rejected, {tested} held out for testing")
        folds = write_splits(workspace, dealing.warm_start_cases, anew=dealing.anew)
    finally:
        write_datasheet(workspace, trained_on, taken, folds)
    return taken
