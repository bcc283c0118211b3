"""`sidewall analyze`: one series in this process."""

from pathlib import Path
from typing import Any

from runtime.cli.console import ShowProgress
from runtime.cli.loading import load_checked_model
from runtime.core.findings_json import to_mapping
from runtime.core.progress import Progress
from runtime.pipeline import AnalysisSettings, CaseInput, analyze_case
from runtime.settings import Settings


def analyze_path(
    path: Path, settings: Settings, out: Path, *, case_id: str | None, show: ShowProgress
) -> dict[str, Any]:
    """Analyse the series at `path`, write every artefact below `out`, and return the findings in JSON form.

    A refused case has findings with the status `refused`. Raises `SettingInvalid`, `BundleRejected` or
    `BackendUnavailable`.
    """
    show("load", 0, 1, None)
    model = load_checked_model(settings)
    case = CaseInput(dicom=path, case_id=case_id)
    result = analyze_case(case, model, AnalysisSettings.of(settings), _TerminalMonitor(show))
    for artefact in result.artefacts:
        target = out / artefact.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artefact.data)
    return to_mapping(result.findings)


class _TerminalMonitor:
    """Moves the bar; Ctrl-C needs no check, since it interrupts the process."""

    def __init__(self, show: ShowProgress) -> None:
        self._show = show

    def report(self, progress: Progress) -> None:
        """Move the bar."""
        self._show(progress.stage, progress.done, progress.total, progress.remaining_s)

    def check(self) -> None:
        """Never stop the work."""
