"""One case of `sidewall analyze`: what its options are, and its way through this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.cli.console import naming_aside, progress_bar, tell
from runtime.settings import Settings


@dataclass(frozen=True)
class CaseOptions:
    """What belongs to one case, as the command line got it; None is not given."""

    time_point: str = "unknown"
    case_id: str | None = None
    series_uid: str | None = None
    prior: Path | None = None
    prior_images: Path | None = None
    label_map: Path | None = None


def analyze_one(path: Path, out: Path, settings: Settings, case: CaseOptions) -> dict[str, Any]:
    """Analyse what lies at `path` into the folder `out`, with a bar, and return the findings in JSON form."""
    from runtime.cli.selecting import announcing, tell_refusal

    # First of all: what writes a refusal, and the log, is longer in being imported than headers are in being read.
    tell_refusal(path, case.series_uid, settings.filtered_images, tell)

    from base.log import configure_log
    from runtime.analysis.about import about_case
    from runtime.analysis.analyzing import analyze_into, inputs_of
    from runtime.analysis.case_folder import require_writable
    from runtime.analysis.images import images_at
    from runtime.analysis.loading import with_local_bundle
    from runtime.cli.monitor import TerminalMonitor

    configure_log(settings.log_level)
    about = about_case(case.case_id, case.time_point, case.prior, out, case.prior_images)
    settings = with_local_bundle(settings, tell)
    inputs = inputs_of(path, settings, series_uid=case.series_uid, prior=case.prior, prior_images=case.prior_images)
    require_writable(out)
    if case.label_map is not None:
        from runtime.analysis.label_map_files import check_label_map

        check_label_map(case.label_map)
    with progress_bar() as show:
        return analyze_into(
            out,
            images_at(path, case.series_uid, announce=announcing(tell), name_aside=naming_aside(tell)),
            settings,
            about=about,
            inputs=inputs,
            monitor=TerminalMonitor(show),
            tell=tell,
            label_map=case.label_map,
        )
