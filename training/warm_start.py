"""The trainer of the shared run that the folds may start from."""

from pathlib import Path

from training.trainer import SidewallTrainer


class WarmStartTrainer(SidewallTrainer):
    """The shared run: trains on the cases that stand in no fold's validation set.

    It starts from random weights, or from the first fold of an earlier bundle. It differs from a fold in `do_split`
    alone: which cases it sees.
    """

    def epochs_of_run(self) -> int:
        """Return the length of the shared run."""
        return self.config.schedule.warm_start_epochs

    def starting_weights(self) -> Path | None:
        """Return None: no shared run comes before this one."""
        return None

    def epochs_before(self) -> int:
        """Return 0: its rate falls from its own first step on."""
        return 0

    def do_split(self) -> tuple[list[str], list[str]]:
        """Return the shared cases."""
        split = self.snapshot["shared"]
        return split["train"], split["val"]
