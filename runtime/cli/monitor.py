"""Progress of an analysis in this process, on the bar of the terminal."""

from core.progress import Progress
from runtime.cli.console import ShowProgress


class TerminalMonitor:
    """Moves the bar; Ctrl-C needs no check, since it interrupts the process."""

    def __init__(self, show: ShowProgress) -> None:
        self._show = show

    def report(self, progress: Progress) -> None:
        """Move the bar."""
        self._show(progress.stage, progress.done, progress.total, progress.remaining_s)

    def check(self) -> None:
        """Never stop the work."""
