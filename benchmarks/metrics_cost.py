"""`python -m benchmarks.metrics_cost`: what the metrics cost a box, on disk, in memory and in processor time.

A case is what the server makes of one with five folds of 90 tiles that came in 30 messages of 1 MiB, without its
analysis. Memory is what the process has more of than one that has loaded all else that the server needs.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console
from sidewall.v1 import analysis_pb2

from benchmarks.machine import describe_machine
from core.errors import CaseRefused, Reason, RefusalCode
from core.progress import Progress, SilentMonitor
from runtime.analysis.worker import WorkerState
from runtime.serving.metrics import Metrics
from runtime.serving.timing import TimedMonitor

FOLDS: Final = 5
TILES: Final = 450
MESSAGES: Final = 30
REPEATS: Final = 200
_MEMORY_PROGRAM: Final = """
import re
def resident_kib():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
import structlog, runtime.analysis.pipeline, base.listening, runtime.serving.uploads, runtime.inference.model
start = resident_kib()
import runtime.serving.metrics, base.scraping
from prometheus_client import CollectorRegistry, generate_latest
metrics = runtime.serving.metrics.Metrics(CollectorRegistry())
for _ in range(20):
    generate_latest(metrics.registry)
print(resident_kib() - start)
"""
_CHUNK: Final = analysis_pb2.AnalyzeSeriesRequest(instance=analysis_pb2.InstanceChunk(data=bytes(1 << 20)))


def count_case(metrics: Metrics) -> None:
    """Count and time one case."""
    count = metrics.counted("series")
    for _ in range(MESSAGES):
        count(_CHUNK.ByteSize())
    monitor = TimedMonitor(SilentMonitor(), metrics, FOLDS)
    metrics.works(WorkerState(routine_waiting=1))
    metrics.works(WorkerState(running=1))
    for stage in ("wait", "read", "check", "prepare"):
        monitor.report(Progress(stage, 0, 1))
    for done in range(TILES + 1):
        monitor.report(Progress("infer", done, TILES))
    for stage in ("resample", "measure", "write"):
        monitor.report(Progress(stage, 0, 1))
    monitor.report(Progress("write", 1, 1))
    metrics.works(WorkerState())
    metrics.call_ended(CaseRefused([Reason(RefusalCode.MISSING_SLICE, "")]), 60.0)


def processor_ms(work: Callable[[], object]) -> float:
    """Return the median processor time of a repeat, ms."""
    times = []
    for _ in range(REPEATS):
        started_s = time.process_time()
        work()
        times.append(time.process_time() - started_s)
    return round(1e3 * median(times), 3)


def measure() -> dict[str, object]:
    """Return every figure."""
    metrics = Metrics(CollectorRegistry())
    sources = [file.locate() for file in files("prometheus-client") or [] if "__pycache__" not in str(file)]
    memory = [
        int(subprocess.run([sys.executable, "-c", _MEMORY_PROGRAM], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    return {
        "command": "python -m benchmarks.metrics_cost",
        "machine": describe_machine(),
        "prometheus_client_installed_bytes": sum(Path(str(path)).stat().st_size for path in sources),
        "memory_kib": median(memory),
        "case_processor_ms": processor_ms(lambda: count_case(metrics)),
        "scrape_processor_ms": processor_ms(lambda: generate_latest(metrics.registry)),
        "scrape_bytes": len(generate_latest(metrics.registry)),
    }


def main(
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON; default: nowhere.")] = None,
) -> None:
    """Measure what the metrics cost."""
    figures = json.dumps(measure(), indent=2)
    Console().print_json(figures)
    if out is not None:
        out.write_text(figures + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
