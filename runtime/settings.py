"""Every setting of the engine: the sections of its rooms as one, and where their values come from (`base/settings.py`).

In the file a setting stands by its name alone (`max_waiting = 3`) or in the table of its section (`[serving]`); in the
environment it is `SIDEWALL_` and its name in capitals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from base.environment import OTHER_VARIABLES, PREFIX
from base.settings import LogSettings, Sources, to_table
from core.findings import GateOutcome
from runtime.analysis.settings import CaseSettings, LocalSettings
from runtime.bundle.settings import BUNDLE_PLACE, BundlePlace, BundleSettings
from runtime.inference.settings import InferenceSettings
from runtime.results.settings import SeriesChoices
from runtime.serving.settings import ServerSettings, ServingSettings


@dataclass(frozen=True)
class Settings(LogSettings, ServerSettings, LocalSettings):
    """The effective settings; raises `SettingInvalid` on a value outside its range."""


SOURCES: Final = Sources(
    Settings,
    PREFIX,
    sections={
        "bundle": BundleSettings,
        "inference": InferenceSettings,
        "serving": ServingSettings,
        "case": CaseSettings,
        "results": SeriesChoices,
        "log": LogSettings,
    },
    other_variables=tuple(OTHER_VARIABLES),
    parsers={
        BundlePlace | None: BUNDLE_PLACE,
        Mapping[str, GateOutcome]: (to_table, "gate=outcome, separated by commas, or a table"),
    },
)


def setting_names() -> tuple[str, ...]:
    """Return the names of all settings, as they stand in the file."""
    return tuple(SOURCES.kinds)


def load_settings(
    given: Mapping[str, Any] | None = None,
    *,
    named: Iterable[str] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Return the effective settings, as `Sources.load` does; `named` are the texts of `--set`."""
    return SOURCES.load(given, named=named or (), environment=environment, file=file)
