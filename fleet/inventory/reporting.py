"""A box looks at itself: what runs by podman, how the engine is by its metrics, how the gateway is by its own command.

Whatever gives no answer is named in the status; a status comes all the same.
"""

import http.client
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from base import __version__, durable
from fleet.channels.content import DIGEST, parse_time, time_text
from fleet.errors import ChannelRejected
from fleet.inventory.status import BoxStatus, Running
from fleet.settings import BoxSettings

_SINCE: Final = "running.json"
_LEAST_IMAGES: Final = 10
_VERSION_LABEL: Final = "org.opencontainers.image.version"
_OPEN_STATES: Final = ("receiving", "waiting", "analysing", "answered", "delivering")
"""Of the gateway's studies: those that somebody waits for."""

_SILENCES: Final = (
    OSError,
    http.client.HTTPException,
    subprocess.SubprocessError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What it means that nobody answers, or that an answer is none."""


def look_at_box(settings: BoxSettings, failed: tuple[str, ...] = (), now: datetime | None = None) -> BoxStatus:
    """Return what this box is like now; `now` None asks the clock. Raises `OSError` where its state cannot be kept."""
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    silent = list[str]()
    samples = _ask("engine", silent, settings.engine_metrics, lambda: _metrics(settings))
    gateway = _ask("gateway", silent, settings.gateway_status, lambda: _gateway(settings))
    images = _ask("podman", silent, settings.engine_container or settings.gateway_container, lambda: _images(settings))
    bundle = _ask("bundle_store", silent, settings.bundle_store, lambda: _bundle(settings.bundle_store, samples or []))
    disk = _ask("disk", silent, settings.disk, lambda: shutil.disk_usage(settings.disk))
    running = dict(images or {}) | ({"bundle": bundle} if bundle else {})
    head = (gateway or {}).get("history", {})
    return BoxStatus(
        box=settings.box,
        ring=settings.ring,
        written_at=now,
        agent_version=__version__,
        running=_with_times(settings.state / _SINCE, running, now),
        failed=failed,
        self_test_passed=None if samples is None else _value(samples, "sidewall_golden_case_passed") == 1,
        queue_oldest_s=None if gateway is None else _oldest_s(gateway),
        audit_entry=head.get("seq"),
        audit_digest=head.get("digest") or None,
        drift_ratio=None if samples is None else _median(samples, "sidewall_input_distance_ratio"),
        certificate_days=None if samples is None else _least(samples, "sidewall_certificate_days_left"),
        disk_free_bytes=None if disk is None else disk.free,
        disk_bytes=None if disk is None else disk.total,
        silent=tuple(silent),
    )


def _ask(name: str, silent: list[str], place: object, ask: Any) -> Any:
    """Return an answer; None where there is nobody to ask, or where whoever there is does not answer."""
    if not place:
        return None
    try:
        return ask()
    except _SILENCES:
        silent.append(name)
        return None


def _metrics(settings: BoxSettings) -> list[Sample]:
    """Return what the engine's page says."""
    connection = http.client.HTTPConnection(settings.engine_metrics, timeout=settings.patience_s)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    if not any(sample.name.startswith("sidewall_") for sample in found):
        raise ValueError(settings.engine_metrics)
    return found


def _gateway(settings: BoxSettings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run(settings, shlex.split(settings.gateway_status)))
    return {"studies": found["studies"], "history": found["history"]}


def _images(settings: BoxSettings) -> dict[str, tuple[str, str]]:
    """Return digest and version of the images of the containers that run, as podman knows them."""
    found = {}
    for component in ("engine", "gateway"):
        container = getattr(settings, f"{component}_container")
        if container:
            (inspected,) = json.loads(_run(settings, ["podman", "container", "inspect", container]))
            if not inspected["State"]["Running"]:
                continue
            (image,) = json.loads(_run(settings, ["podman", "image", "inspect", inspected["Image"]]))
            found[component] = (str(image["Digest"]), str((image["Labels"] or {}).get(_VERSION_LABEL, "unknown")))
    return found


def _bundle(store: Path | None, samples: Sequence[Sample]) -> tuple[str, str] | None:
    if store is None:
        return None
    digest = (store / "current").readlink().name.replace("-", ":", 1)
    if not DIGEST.fullmatch(digest):
        raise ValueError(digest)
    versions = [each.labels["version"] for each in samples if each.name == "sidewall_bundle_info"]
    return digest, versions[0] if versions else "unknown"


def _run(settings: BoxSettings, command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=settings.patience_s)
    return ended.stdout


def _with_times(file: Path, running: Mapping[str, tuple[str, str]], now: datetime) -> dict[str, Running]:
    """Return what runs with the moment since when, which is kept; a file that cannot be read begins anew."""
    try:
        before = {str(name): (each["digest"], parse_time(each["since"], "since")) for name, each in _read(file).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ChannelRejected):
        before = {}
    found = {}
    for name, (digest, version) in running.items():
        old, since = before.get(name, ("", now))
        found[name] = Running(digest, version, since if old == digest else now)
    # A component that gives no answer now keeps its time: a broken line is no new image.
    kept = {name: {"digest": digest, "since": time_text(since)} for name, (digest, since) in before.items()}
    kept |= {name: {"digest": each.digest, "since": time_text(each.since)} for name, each in found.items()}
    durable.make_folder(file.parent)
    durable.write_file(file, json.dumps(kept, sort_keys=True).encode())
    return found


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_bytes())
    return content


def _oldest_s(gateway: Mapping[str, Any]) -> float:
    return max(
        (float(each["oldest_s"]) for state, each in gateway["studies"].items() if state in _OPEN_STATES), default=0.0
    )


def _value(samples: Sequence[Sample], wanted: str) -> float | None:
    return next((each.value for each in samples if each.name == wanted), None)


def _least(samples: Sequence[Sample], wanted: str) -> float | None:
    return min((each.value for each in samples if each.name == wanted), default=None)


def _median(samples: Sequence[Sample], wanted: str) -> float | None:
    """Return the median of a histogram, linear inside its bucket, as Prometheus does; None under ten images."""
    buckets = sorted((float(each.labels["le"]), each.value) for each in samples if each.name == f"{wanted}_bucket")
    count = buckets[-1][1] if buckets else 0.0
    if count < _LEAST_IMAGES:
        return None
    lower, below = 0.0, 0.0
    for upper, reached in buckets:
        if reached >= count / 2:
            if upper == float("inf"):
                return lower
            return round(lower + (upper - lower) * (count / 2 - below) / (reached - below), 3)
        lower, below = upper, reached
    return None
