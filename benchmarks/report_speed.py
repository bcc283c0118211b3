"""`python -m benchmarks.report_speed`: time and memory of the whole report of simulated studies, as a user runs it.

Every study is simulated into a temporary folder, and the report is made by `sidewall-analytics report` as it starts by
default. Processor time is what the work takes; elapsed time depends on what else the machine does. A `paper` study is
that of `make study`, with readers, nodes and label maps: 480 in 1,480 of its patients are in the external test and so
in the report. An `example` is that of analytics/examples, all of whose patients are.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
from rich.progress import track

from analytics.examples.simulate import main as simulate_study
from analytics.simulation.command import simulate as simulate_paper
from benchmarks.machine import describe_machine, versions_of

PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "reportlab")
STUDIES: Final = ("paper:1480", "paper:4563", "example:1480", "example:100000")

app = typer.Typer(add_completion=False)


def measure(study: str, folder: Path) -> dict[str, Any]:
    """Return seconds, MB and sizes of one report of `paper:N` or `example:N`, N patients.

    Raises `CalledProcessError` where it ends with another status.
    """
    kind, _, size = study.partition(":")
    if kind == "paper":
        simulate_paper(folder / "study", patients=int(size))
    else:
        simulate_study(folder / "study", int(size))
    command = [sys.executable, "-m", "analytics.cli", "report", str(folder / "study" / "study.yaml"), "--json",
               "--out", str(folder / "report")]  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read() if process.stdout is not None else b""
    # Only wait4 gives what this one child used, not the most of all children so far.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    elapsed_s = time.monotonic() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {
        "study": study,
        "patients": _patients_in(folder / "report"),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "elapsed_s": round(elapsed_s, 1),
        # Of the largest process, that of one section or the one that writes.
        "peak_mb": round(used.ru_maxrss * 1024 / 1e6),
        "numbers": json.loads(text)["numbers"],
        "html_mb": round((folder / "report" / "report.html").stat().st_size / 1e6, 1),
        "pdf_mb": round((folder / "report" / "report.pdf").stat().st_size / 1e6, 1),
    }


def _patients_in(report: Path) -> int:
    """Return how many patients a report is of, from the words below its title."""
    found = re.search(r"([0-9,]+) patients, ", (report / "report.html").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{report / 'report.html'} does not say how many patients it is of")
    return int(found[1].replace(",", ""))


def markdown(report: dict[str, Any]) -> str:
    """Return the measurements as Markdown."""
    machine = report["machine"]
    rows = [
        f"| {each['study'].partition(':')[0]} "
        f"| {each['patients']:,} | {each['numbers']} | {each['processor_s']:.0f} s | {each['elapsed_s']:.0f} s | "
        f"{each['peak_mb']:,} MB | {each['html_mb']} MB | {each['pdf_mb']} MB |"
        for each in report["reports"]
    ]
    return "\n".join(
        [
            "# Time and memory of the report of a study",
            "",
            "Simulated studies, every section, all files, one process a core (4 at most). Peak memory is that of the "
            "largest process. `paper` is the study of `make study`, `example` that of analytics/examples.",
            "",
            "| study | patients | numbers | processor | elapsed | peak memory | report.html | report.pdf |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"Python {machine['python']}, by `{report['command']}`.",
            "",
        ]
    )


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Folder for report_speed.json and .md.")] = Path("benchmarks/results"),
    studies: Annotated[
        list[str] | None, typer.Option("--study", help="paper:N or example:N, N patients; may be given again.")
    ] = None,
) -> None:
    """Measure the report of each study."""
    found = []
    for study in track(studies or STUDIES, "reports"):
        with TemporaryDirectory() as folder:
            found.append(measure(study, Path(folder)))
    command = "python -m benchmarks.report_speed" + "".join(f" --study {study}" for study in studies or ())
    machine = describe_machine() | {"packages": versions_of(PACKAGES)}
    report = {"command": command, "machine": machine, "reports": found}
    out.mkdir(parents=True, exist_ok=True)
    (out / "report_speed.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (out / "report_speed.md").write_text(markdown(report), encoding="utf-8")


if __name__ == "__main__":
    app()
