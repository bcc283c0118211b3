"""What every command that analyses in this process shares: a monitor on the terminal, and files for the result."""

from pathlib import Path

from runtime.cli.console import ShowProgress
from runtime.core.progress import Progress
from runtime.pipeline import CaseResult


class TerminalMonitor:
    """Moves the bar; Ctrl-C needs no check, since it interrupts the process."""

    def __init__(self, show: ShowProgress) -> None:
        self._show = show

    def report(self, progress: Progress) -> None:
        """Move the bar."""
        self._show(progress.stage, progress.done, progress.total, progress.remaining_s)

    def check(self) -> None:
        """Never stop the work."""


def write_result(result: CaseResult, out: Path) -> None:
    """Write every artefact of a result below `out`."""
    for artefact in result.artefacts:
        target = out / artefact.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artefact.data)
