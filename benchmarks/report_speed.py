"""`python -m benchmarks.report_speed`: time and memory of the whole report of simulated studies, as a user runs it.

Every study is simulated into a temporary folder, and the report is made by `sidewall-analytics report` in a process of
its own. Processor time is what the work takes; elapsed time depends on what else the machine does.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.progress import track

from analytics.examples.simulate import main as simulate_study
from benchmarks.machine import describe_machine, versions_of

PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "reportlab")

app = typer.Typer(add_completion=False)


def measure(patients: int, folder: Path) -> dict[str, Any]:
    """Return seconds, MB and sizes of one report. Raises `CalledProcessError` where it ends with another status."""
    simulate_study(folder / "study", patients)
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
        "patients": patients,
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "elapsed_s": round(elapsed_s, 1),
        "peak_mb": round(used.ru_maxrss * 1024 / 1e6),
        "numbers": json.loads(text)["numbers"],
        "html_mb": round((folder / "report" / "report.html").stat().st_size / 1e6, 1),
        "pdf_mb": round((folder / "report" / "report.pdf").stat().st_size / 1e6, 1),
    }


def markdown(report: dict[str, Any]) -> str:
    """Return the measurements as Markdown."""
    machine = report["machine"]
    rows = [
        f"| {each['patients']:,} | {each['numbers']} | {each['processor_s']:.0f} s | {each['elapsed_s']:.0f} s | "
        f"{each['peak_mb']:,} MB | {each['html_mb']} MB | {each['pdf_mb']} MB |"
        for each in report["reports"]
    ]
    return "\n".join(
        [
            "# Time and memory of the report of a study",
            "",
            "Simulated studies, every section, all files. Elapsed time is that of a machine that others may use too.",
            "",
            "| patients | numbers | processor | elapsed | peak memory | report.html | report.pdf |",
            "|---|---|---|---|---|---|---|",
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
    patients: Annotated[list[int] | None, typer.Option(help="Size of a study; may be given again.")] = None,
) -> None:
    """Measure the report of a study of each size."""
    sizes = patients or [1480, 100_000]
    found = []
    for size in track(sizes, "reports"):
        with TemporaryDirectory() as folder:
            found.append(measure(size, Path(folder)))
    command = "python -m benchmarks.report_speed" + "".join(f" --patients {size}" for size in patients or ())
    machine = describe_machine() | {"packages": versions_of(PACKAGES)}
    report = {"command": command, "machine": machine, "reports": found}
    out.mkdir(parents=True, exist_ok=True)
    (out / "report_speed.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (out / "report_speed.md").write_text(markdown(report), encoding="utf-8")


if __name__ == "__main__":
    app()
