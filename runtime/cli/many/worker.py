"""A process that analyses cases one after the other with one loaded model: JSON lines in, JSON lines out.

The first line has the settings as the command line got them; the answer says that the model is ready, or why not. Every
further line is a case, answered by its progress and its end. The end of the input ends the process, also when whoever
began it was killed: after the case at hand, so that a folder is whole or not there.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from base.exit_status import exit_status
from base.processors import limit_libraries
from base.scratch import scratch_settled
from base.streams import answer_alone


def main() -> None:
    """Answer lines until there are no more."""
    # Ctrl-C is the parent's; its SIGTERM ends this process by an exception, which takes half a result away.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    limit_libraries()
    with answer_alone(), scratch_settled():
        _serve()


def _serve() -> None:
    from runtime.cli.reporting import expected_error

    lines = iter(sys.stdin)
    try:
        analyst = _Analyst(json.loads(next(lines)))
    except Exception as error:  # noqa: BLE001 - the edge: the text could hold patient data
        failure = expected_error(error)
        _answer({"code": failure.code, "message": str(failure), "status": exit_status(failure)})
        return
    _answer({"ready": True})
    for line in lines:
        started_s, before = time.perf_counter(), os.times()
        try:
            ended: dict[str, Any] = {"findings": analyst.analyze(json.loads(line))}
        except Exception as error:  # noqa: BLE001 - the edge: the text could hold patient data
            failure = expected_error(error)
            ended = {"code": failure.code, "message": str(failure)}
        after = os.times()
        spent_s = sum(after[:4]) - sum(before[:4])
        _answer({**ended, "wall_s": round(time.perf_counter() - started_s, 2), "processor_s": round(spent_s, 2)})


def _answer(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class _Analyst:
    """The loaded model, and the settings of all cases."""

    def __init__(self, run: dict[str, Any]) -> None:
        from base.log import configure_log
        from runtime.analysis.loading import load_checked_model
        from runtime.settings import load_settings

        file = Path(run["config"]) if run["config"] else None
        self._settings = load_settings(run["given"], named=run["named"], file=file)
        configure_log(self._settings.log_level)
        self._model = load_checked_model(self._settings)

    def analyze(self, case: dict[str, Any]) -> dict[str, Any]:
        """Analyse one case into its folder, and return what the table needs of the findings."""
        from runtime.analysis.about import about_case
        from runtime.analysis.analyzing import analyze_into, inputs_of
        from runtime.analysis.case_folder import require_writable
        from runtime.analysis.images import images_at

        path, out = Path(case["input"]), Path(case["out"])
        prior, images = (Path(case[name]) if case[name] else None for name in ("prior", "prior_images"))
        about = about_case(case["case_id"], case["time_point"], prior, out, images)
        uid: str | None = case["series_uid"]
        inputs = inputs_of(path, self._settings, series_uid=uid, prior=prior, prior_images=images, run=case["run"])
        require_writable(out)
        findings = analyze_into(
            out,
            images_at(path, uid),
            self._settings,
            about=about,
            inputs=inputs,
            monitor=_LineMonitor(),
            tell=lambda _: None,
            model=self._model,
        )
        return {
            name: findings.get(name) for name in ("status", "refusal", "nodes", "warnings", "case", "missing_files")
        }


class _LineMonitor:
    """Answers how far inference, which is nearly all of the time, has come."""

    def report(self, progress: Any) -> None:
        """Answer tiles done."""
        if progress.stage == "infer" and progress.total:
            _answer({"progress": progress.done / progress.total})

    def check(self) -> None:
        """Never stop the work: a signal does."""


if __name__ == "__main__":
    main()
