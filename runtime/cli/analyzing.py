"""`sidewall analyze`: one series, or the one chosen from a study, in this process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runtime.case import AnalysisSettings, CaseInput
from runtime.cli.case_folder import CaseInputs, write_case
from runtime.cli.console import ShowProgress
from runtime.cli.loading import load_checked_model
from runtime.cli.running import TerminalMonitor
from runtime.core.findings_json import to_mapping
from runtime.core.selection import Selection, select_series
from runtime.pipeline import analyze_case
from runtime.settings import Settings

Tell = Callable[[str], None]
"""Takes one line for the person at the terminal."""


def analyze_path(
    path: Path,
    settings: Settings,
    out: Path,
    *,
    about: CaseInput,
    inputs: CaseInputs,
    show: ShowProgress,
    tell: Tell,
) -> dict[str, Any]:
    """Analyse the series at `path`, write every artefact below `out`, and return the findings in JSON form.

    Of several series the one that fits best is chosen, or the one that `inputs` names; `tell` learns which. A
    refused case has findings with the status `refused`. Raises `SettingInvalid`, `BundleRejected` or
    `BackendUnavailable`.
    """
    show("load", 0, 1, None)
    model = load_checked_model(settings, tell)
    case = replace(about, dicom=choose_series(path, inputs.series_uid, tell))
    result = analyze_case(case, model, AnalysisSettings.of(settings), TerminalMonitor(show))
    write_case(out, result.artefacts, inputs)
    return to_mapping(result.findings)


def choose_series(path: Path, series_uid: str | None, tell: Tell = lambda _: None) -> Path | Sequence[Path | bytes]:
    """Return what to read: the input as it is when it holds one series, else the instances of the chosen one."""
    selection = select_series(path, series_uid=series_uid)
    if len(selection.candidates) < 2 and series_uid is None:
        return path
    for line in _announcement(selection):
        tell(line)
    return selection.as_source()


def _announcement(selection: Selection) -> list[str]:
    chosen = selection.chosen
    if chosen is None:
        return []
    said = f"{chosen.label} of {len(selection.candidates)} is analysed: {chosen.verdict}, {chosen.score:g} points"
    return [said, *(f"warning: {warning}" for warning in selection.warnings)]
