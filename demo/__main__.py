"""Start the server, submit a synthetic patient and a real series over gRPC, show what comes back, stop the server.

    python -m demo --bundle models/demo --out out/demo

Needs the repository's root as working directory. Ends with status 1 when anything went wrong, and says what.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import sidewall
from rich.console import Console
from rich.text import Text

from base.streams import answer_alone
from demo.cases import DemoCase, make_cases
from demo.pictures import stack_pictures
from demo.server import ServerFailed, running_server
from runtime.cli.console import describe_findings, progress_bar

_CASE_TIMEOUT_S = 600.0


def main() -> int:
    """Run the demonstration; returns the process exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Show the main job once, over a real server.")
    parser.add_argument("--bundle", type=Path, default=Path("models/demo"), help="model bundle (default: models/demo)")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="where results go (default: out/demo)")
    arguments = parser.parse_args()
    console = Console()
    try:
        problems = run_demo(arguments.bundle, arguments.out, console)
    except (ServerFailed, sidewall.SidewallClientError) as error:
        problems = [str(error)]
    for problem in problems:
        console.print(f"FAILED: {problem}", style="bold red", markup=False)
    return 1 if problems else 0


def run_demo(bundle: Path, out: Path, console: Console) -> list[str]:
    """Analyse every case and write all results below `out`; returns what is not as it should be.

    Raises `ServerFailed` or `sidewall.SidewallClientError`.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    problems: list[str] = []
    with console.status("making a synthetic patient"):
        cases = make_cases(out / "input")
    with running_server(bundle, out / "server.log") as address, sidewall.Client(address) as client:
        console.print(f"server on {address}, log in {out / 'server.log'}", highlight=False)
        for case in cases:
            problems += _show_case(client, case, out / case.name, console)
    stack_pictures([out / case.name / "contact_sheet.png" for case in cases], out / "contact_sheet.png")
    console.print(f"\nall cases on one picture: {out / 'contact_sheet.png'}", highlight=False)
    return problems


def _show_case(client: sidewall.Client, case: DemoCase, folder: Path, console: Console) -> list[str]:
    """Submit one case, write and show its results; returns what is not as it should be."""
    console.rule(case.title, align="left")
    with progress_bar(console) as show:
        result = client.analyze_series(
            case.series,
            options=sidewall.CaseOptions(case_id=case.name),
            timeout_s=_CASE_TIMEOUT_S,
            on_progress=lambda step: show(step.stage, step.done, step.total, step.estimate_s),
        )
    result.save(folder)
    console.print(describe_findings(result.findings))
    if case.truth is not None:
        console.print(Text(_describe_truth(case), "dim"))
    console.print(f"results in {folder}", highlight=False)
    return _check(case, result.findings, folder)


def _describe_truth(case: DemoCase) -> str:
    nodes = ", ".join(
        f"{node.side} {node.station.replace('_', ' ')} {node.short_axis_mm:.1f} mm {node.status}"
        for node in case.truth or ()
    )
    return f"the truth of this patient: {nodes}"


def _check(case: DemoCase, findings: dict[str, Any], folder: Path) -> list[str]:
    """Return what a sound server would not have answered; how good the model is counts elsewhere."""
    problems = []
    if findings["status"] not in case.allowed_status:
        allowed = ", ".join(sorted(case.allowed_status))
        problems.append(f"case {case.name} has the status {findings['status']}; allowed: {allowed}")
    expected = ["findings.json", "report.dcm", "contact_sheet.png"]
    expected += [f"keyimages/node_{node['id']:02d}.png" for node in findings["nodes"]] or ["keyimages/stations.png"]
    expected += ["segmentation.dcm"] if findings["nodes"] else []
    return problems + [f"{folder / name} was not written" for name in expected if not (folder / name).is_file()]


if __name__ == "__main__":
    with answer_alone():
        sys.exit(main())
