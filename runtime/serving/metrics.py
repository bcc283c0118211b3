"""What the box counts about its work for Prometheus; docs/metrics.md lists it.

Nothing here tells patients apart: labels are words of small closed sets, or name the software, bundle and device.
Of one case no more is told than that it was answered, or why it was refused: what was found is added up over
`BLOCK_CASES` answered cases and told of all of them at once.
"""

import platform
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from sidewall.vocabulary import CaseStatus

from base import __version__
from base.certificates import Role, Validity
from base.errors import (
    DiskFull,
    OutOfMemory,
    PermissionLacking,
    ReadOnlyStorage,
    ServerBusy,
    ServerUnreachable,
    SettingInvalid,
    SidewallError,
    StorageGone,
    TooManyOpenFiles,
)
from base.metrics import CertificateCollector
from core.errors import AnalysisCancelled, CaseRefused, RefusalCode
from core.findings import Findings, Gate
from core.progress import STEPS
from core.site_choices import CHANGEABLE_GATES
from runtime.analysis.worker import WorkerState
from runtime.errors import AnswerNotRead
from runtime.inference.errors import BackendUnavailable
from runtime.inference.model import LoadedModel
from runtime.serving.machine import device_of, memory_limit_bytes
from trust.errors import BundleRejected

OUTCOMES: Final[dict[CaseStatus, str]] = {
    "positive": "answered",
    "negative": "answered",
    "borderline": "answered",
    "indeterminate": "answered",
    "demonstration": "demonstration",
    "refused": "refused",
}
"""Status of a case -> the word that it is counted under."""

BLOCK_CASES: Final = 20
"""Answered cases whose findings are told together; those of a block that is not full are told to nobody."""

_NEED_REVIEW: Final = ("borderline", "indeterminate")
_FAILURES: Final = (
    AnalysisCancelled, AnswerNotRead, BackendUnavailable, BundleRejected, SettingInvalid, SidewallError,
    DiskFull, OutOfMemory, PermissionLacking, ReadOnlyStorage, StorageGone, TooManyOpenFiles,
)  # fmt: skip
_BUNDLE_LABELS: Final = ("name", "version", "digest", "key_id", "trained_on")
_BACKEND_LABELS: Final = ("backend", "mode", "precision", "device")
_DIGITS_OF_DIGEST: Final = 12
_CASE_BUCKETS_S: Final = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200)
"""From a GPU's answer to the largest case on two busy cores."""

_STEP_BUCKETS_S: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_RATIO_BUCKETS: Final = (0.25, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 2, 3, 5)
_NODE_BUCKETS: Final = (0, 1, 2, 3, 5, 10, 20)


@dataclass(frozen=True)
class _Found:
    """What of an answered case is added up."""

    nodes: int
    needs_review: bool
    fired: tuple[str, ...]
    """Codes of the gates that warned."""


_FILES: Final = (
    "segmentation.dcm", "report.dcm", "captures", "key_objects.dcm", "document.dcm", "structure_set.dcm",
    "keyimages", "contact_sheet.png", "gates", "report.html", "report.pdf", "other",
)  # fmt: skip
"""Kinds of files that a result has (`LostFile.kind`)."""


class Metrics:
    """Every metric of one server; safe to share between threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register all of them in a registry that holds none of them yet."""
        self.registry = registry
        ProcessCollector(registry=registry)
        self._describe_process()
        self._register_calls()
        self._register_cases()
        self._register_durations()

    def _describe_process(self) -> None:
        build = self._gauge("sidewall_build_info", "The software, always 1.", ("version", "python"))
        build.labels(__version__, platform.python_version()).set(1)
        limit = self._gauge("sidewall_memory_limit_bytes", "Memory the server may take: its control group's or all.")
        limit.set(memory_limit_bytes())
        self._bundle = self._gauge("sidewall_bundle_info", "The model bundle that serves, always 1.", _BUNDLE_LABELS)
        self._backend = self._gauge("sidewall_backend_info", "What the folds run on, always 1.", _BACKEND_LABELS)
        self._golden = self._gauge("sidewall_golden_case_passed", "1 once the bundle's golden case has passed.")
        self._certificates = CertificateCollector()
        self.registry.register(self._certificates)
        self._serving = self._gauge("sidewall_serving", "1 while cases are taken.")
        self._engines = self._counter(
            "sidewall_engines", "Compiled folds taken from the engine cache, or built.", source=("stored", "built")
        )
        self._storage = self._gauge(
            "sidewall_storage_usable", "1 while a place that the server writes to can be written.", ("place",)
        )
        self.storage("log", usable=True)

    def _register_calls(self) -> None:
        self._admitted = self._gauge("sidewall_calls_admitted", "Cases that run or wait now.")
        self._places = self._gauge("sidewall_calls_limit", "Cases that may run or wait at the same time.")
        self._transfers = self._gauge("sidewall_transfers", "Inputs that are coming in now.")
        self._held = self._gauge("sidewall_input_held_bytes", "Bytes of inputs coming in, waiting or being analysed.")
        self._unread = self._gauge("sidewall_answers_unread_bytes", "Bytes of results that wait for their readers.")
        self._rejected = self._counter(
            "sidewall_calls_rejected", "Calls turned away at once.", reason=("busy", "not_ready")
        )
        self._failed = self._counter(
            "sidewall_calls_failed", "Calls that ended without an answer.", code=[each.code for each in _FAILURES]
        )
        self._received = self._counter(
            "sidewall_received_bytes", "Bytes of messages that came in.", call=("series", "volume")
        )

    def _register_cases(self) -> None:
        self._cases = self._counter("sidewall_cases", "Cases answered.", outcome=dict.fromkeys(OUTCOMES.values()))
        self._refusals = self._counter("sidewall_refusals", "Reasons of refused cases.", code=list(RefusalCode))
        gates = (RefusalCode.TOO_COARSE, *CHANGEABLE_GATES)
        self._gates = self._counter(
            "sidewall_gates_fired", "Gates that warned in answered cases, told in blocks of 20 cases.", gate=gates
        )
        self._block, self._block_lock = list[_Found](), threading.Lock()
        self._summarised = Counter(
            "sidewall_cases_summarised", "Answered cases in the blocks of 20 told so far.", registry=self.registry
        )
        self._reviews = Counter(
            "sidewall_cases_for_review",
            "Borderline or indeterminate cases, told in blocks of 20 cases.",
            registry=self.registry,
        )
        self._lost = self._counter("sidewall_files_lost", "Files that a fault kept from being written.", file=_FILES)
        self._waiting = self._gauge("sidewall_cases_waiting", "Cases received that wait for the one that runs.")
        self._urgent = self._gauge("sidewall_urgent_cases_waiting", "Urgent ones among the cases that wait.")
        self._running = self._gauge("sidewall_cases_running", "Cases being analysed.")
        self._last_case = self._gauge(
            "sidewall_last_case_timestamp_seconds", "Unix time of the last answer, 0 before the first."
        )
        self._nodes = self._histogram(
            "sidewall_case_nodes", "Nodes found in an answered case, told in blocks of 20 cases.", _NODE_BUCKETS
        )
        self._distance = self._histogram(
            "sidewall_input_distance_ratio",
            "Distance of an image from the training cases; 1 is what 99 % of those keep among each other.",
            _RATIO_BUCKETS,
        )

    def _register_durations(self) -> None:
        outcomes = list(dict.fromkeys(OUTCOMES.values()))
        self._case_s = self._histogram(
            "sidewall_case_duration_seconds",
            "From the call to its answer, transfer and waiting included.",
            _CASE_BUCKETS_S,
            outcome=outcomes,
        )
        self._step_s = self._histogram(
            "sidewall_step_duration_seconds", "Finished steps of an analysis.", _STEP_BUCKETS_S, step=STEPS
        )
        self._fold_s = self._histogram(
            "sidewall_fold_duration_seconds", "Inference of one fold over one case.", _STEP_BUCKETS_S, fold=()
        )

    def admits(self, taken: Any, places: int) -> None:
        """Take the number of held places from `taken`, a function, at every scrape."""
        self._admitted.set_function(taken)
        self._places.set(places)

    def shows_certificate(self, validity: Callable[[], Mapping[Role, Validity]]) -> None:
        """Take how long the TLS certificates count from `validity`, a function, at every scrape."""
        self._certificates.validity = validity

    def serves(self, model: LoadedModel) -> None:
        """Note that a model has passed its golden case and answers from now on."""
        bundle = model.bundle
        digest = bundle.digest.rpartition(":")[2][:_DIGITS_OF_DIGEST]
        self._bundle.labels(bundle.name, bundle.version, digest, bundle.signed_by, bundle.trained_on).set(1)
        self._backend.labels(model.backend_name, model.mode, model.precision, device_of(model.backend_name)).set(1)
        _start_at_zero(self._fold_s, {"fold": map(str, range(model.fold_count))})
        self._golden.set(1)
        self._serving.set(1)

    def storage(self, place: str, usable: bool) -> None:
        """Note whether a place of `base.storage_watch` can be written."""
        self._storage.labels(place).set(usable)

    def stops(self) -> None:
        """Note that no more cases are taken."""
        self._serving.set(0)

    def engine(self, source: Literal["stored", "built"]) -> None:
        """Count one compiled fold."""
        self._engines.labels(source).inc()

    def holds(
        self, transfers: Callable[[], float], held_bytes: Callable[[], float], unread_bytes: Callable[[], float]
    ) -> None:
        """Take the open transfers and the bytes of inputs and of unread results from functions, at every scrape."""
        self._transfers.set_function(transfers)
        self._held.set_function(held_bytes)
        self._unread.set_function(unread_bytes)

    def counted(self, call: Literal["series", "volume"]) -> Callable[[int], None]:
        """Return what counts the bytes of a call's messages."""
        return self._received.labels(call).inc

    def works(self, state: WorkerState) -> None:
        """Note how many cases run and wait."""
        self._running.set(state.running)
        self._waiting.set(state.waiting)
        self._urgent.set(state.urgent_waiting)

    def step_ended(self, step: str, duration_s: float) -> None:
        """Note how long one of `STEPS` took."""
        self._step_s.labels(step).observe(duration_s)

    def fold_ended(self, fold: int, duration_s: float) -> None:
        """Note how long a fold took; `fold` is its number in the bundle, from 0."""
        self._fold_s.labels(str(fold)).observe(duration_s)

    def file_lost(self, kind: str) -> None:
        """Count a file that could not be written; `kind` is its name, or the folder of one of several."""
        self._lost.labels(kind if kind in _FILES else "other").inc()

    def call_ended(self, ending: Findings | SidewallError, duration_s: float) -> None:
        """Count how a call ended: with findings, those of a refused case too, or with an error."""
        match ending:
            case Findings():
                codes = [reason.code for reason in ending.refusal]
                self._case_ended(OUTCOMES[ending.status], codes, duration_s)
                self._note_distance(ending.gates)
                if ending.status != "refused":
                    self._summarise(ending)
            case CaseRefused():
                self._case_ended("refused", [str(reason.code) for reason in ending.reasons], duration_s)
            case ServerBusy():
                self._rejected.labels("busy").inc()
            case ServerUnreachable():
                self._rejected.labels("not_ready").inc()
            case _:
                self._failed.labels(ending.code).inc()

    def _case_ended(self, outcome: str, codes: Iterable[str], duration_s: float) -> None:
        self._cases.labels(outcome).inc()
        self._case_s.labels(outcome).observe(duration_s)
        self._last_case.set(time.time())
        for code in dict.fromkeys(codes):
            self._refusals.labels(code).inc()

    def _note_distance(self, gates: Iterable[Gate]) -> None:
        for gate in gates:
            if gate.code == RefusalCode.INPUT_STATISTICS and gate.score is not None and gate.threshold:
                self._distance.observe(gate.score / gate.threshold)

    def _summarise(self, findings: Findings) -> None:
        """Keep what was found, and tell it once it is that of enough cases."""
        fired = tuple(gate.code for gate in findings.gates if gate.outcome != "pass")
        with self._block_lock:
            self._block.append(_Found(len(findings.nodes), findings.status in _NEED_REVIEW, fired))
            if len(self._block) < BLOCK_CASES:
                return
            block, self._block = self._block, []
        for each in block:
            self._nodes.observe(each.nodes)
            self._reviews.inc(each.needs_review)
            for gate in each.fired:
                self._gates.labels(gate).inc()
        self._summarised.inc(len(block))

    def _counter(self, name: str, meaning: str, **label: Iterable[str]) -> Counter:
        counter = Counter(name, meaning, tuple(label), registry=self.registry)
        _start_at_zero(counter, label)
        return counter

    def _gauge(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], **label: Iterable[str]) -> Histogram:
        histogram = Histogram(name, meaning, tuple(label), registry=self.registry, buckets=buckets)
        _start_at_zero(histogram, label)
        return histogram


def _start_at_zero(metric: Counter | Histogram, label: dict[str, Iterable[str]]) -> None:
    """Show every value of the label from the start: Prometheus sees no increase in what appears with a 1."""
    for values in label.values():
        for value in values:
            metric.labels(str(value))
