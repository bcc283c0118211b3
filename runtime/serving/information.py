"""What the server is, for programs that ask before they send: versions, limits, bundle, backends, labels, load."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from sidewall.convert import enum_value, fill_message
from sidewall.v1 import analysis_pb2, findings_pb2

from base import __version__
from core.findings import SCHEMA_VERSION
from core.labels import LABEL_NAMES, STATION_LABELS
from core.site_choices import with_site_rules
from runtime.analysis.worker import WorkerState
from runtime.inference.backends.registry import BACKENDS, available_backends
from runtime.inference.model import LoadedModel
from runtime.serving.settings import ServerSettings

CONTRACT: Final = analysis_pb2.DESCRIPTOR.package


def server_info(
    settings: ServerSettings, model: LoadedModel | None, load: WorkerState, wait_s: float | None
) -> analysis_pb2.GetServerInfoResponse:
    """Return all that is told of a server; without a model it is still loading."""
    message = analysis_pb2.GetServerInfoResponse(
        software_version=__version__,
        contract=CONTRACT,
        findings_version=SCHEMA_VERSION,
        limits=_limits(settings),
        backends=_backends(model),
        labels=_labels(),
        load=analysis_pb2.ServerLoad(
            running=load.running,
            urgent_waiting=load.urgent_waiting,
            routine_waiting=load.routine_waiting,
            wait_s=wait_s,
        ),
    )
    message.time.GetCurrentTime()
    if model is not None:
        fill_message(message.model, dataclasses.asdict(model.describe()))
        message.rules.update(_plain(dataclasses.asdict(with_site_rules(model.rules, settings.rules))))
    return message


def _limits(settings: ServerSettings) -> analysis_pb2.ServerLimits:
    return analysis_pb2.ServerLimits(
        max_input_bytes=settings.max_input_bytes,
        max_instances=settings.max_instances,
        max_message_bytes=settings.max_message_bytes,
        max_waiting=settings.max_waiting,
        max_transfers=settings.max_transfers,
        transfer_timeout_s=settings.transfer_timeout_s,
        transfer_idle_s=settings.transfer_idle_s,
        min_transfer_bytes_per_s=settings.transfer_min_kib_s * 1024,
        answer_timeout_s=settings.answer_timeout_s,
        kept_s=settings.result_kept_s,
    )


def _backends(model: LoadedModel | None) -> list[analysis_pb2.BackendInfo]:
    present, used = available_backends(), model.backend_name if model else ""
    return [analysis_pb2.BackendInfo(name=name, is_present=name in present, is_used=name == used) for name in BACKENDS]


def _labels() -> list[analysis_pb2.LabelInfo]:
    return [
        analysis_pb2.LabelInfo(value=value, name=name, station=_station(value)) for name, value in LABEL_NAMES.items()
    ]


def _station(label: int) -> findings_pb2.Station:
    if label not in STATION_LABELS:
        return findings_pb2.STATION_UNSPECIFIED
    number = enum_value(findings_pb2.Station.DESCRIPTOR, STATION_LABELS[label])
    return number  # type: ignore[return-value]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a Struct can hold: tuples are none of its lists."""
    return {
        name: _plain(each) if isinstance(each, Mapping) else list(each) if isinstance(each, tuple) else each
        for name, each in values.items()
    }
