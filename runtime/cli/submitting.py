"""`sidewall submit`: one series to a running server."""

import os
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sidewall
from sidewall.peer import PROXY_FORM, is_address, is_proxy, proxy_place

from base.environment import PROXY_VARIABLE, SERVER_VARIABLE
from base.errors import ServerBusy, ServerUnreachable, SettingInvalid, SidewallError
from base.system_errors import PASSING, system_error
from base.wording import WARNING
from core.case_names import checked_case_id
from core.errors import AnalysisCancelled, CaseRefused, Reason, RefusalCode
from core.findings_json import to_mapping
from core.progress import Tell
from core.reading.volume_files import holds_volume_files, read_volume_file
from runtime.analysis.about import check_time_point, earlier_study
from runtime.analysis.case_folder import CaseInputs, earlier_report_file, write_case
from runtime.cli.console import ShowProgress, naming_aside


class _RemoteSettingInvalid(SettingInvalid):
    """The server does not allow an option; its text says which and what is allowed."""

    def __init__(self, text: str) -> None:
        self.name, self.value, self.allowed = "option", None, text
        SidewallError.__init__(self, text)


_LOCAL_ERRORS: dict[str, type[SidewallError]] = {
    "server_busy": ServerBusy,
    "server_unreachable": ServerUnreachable,
    "cancelled": AnalysisCancelled,
    "deadline_exceeded": AnalysisCancelled,
    "setting_invalid": _RemoteSettingInvalid,
}
"""By the stable word that the client's errors carry."""


def check_server(server: str | None) -> str:
    """Return the address to send to; raises `SettingInvalid` when it is none."""
    if server is None or not is_address(server):
        raise SettingInvalid("server", server, f"host:port, such as 127.0.0.1:50051: --server or {SERVER_VARIABLE}")
    return server


def check_proxy(proxy: str | None) -> str | None:
    """Return the proxy to go through; raises `SettingInvalid`, without the login in it, when it is none."""
    if proxy is not None and not is_proxy(proxy):
        raise SettingInvalid(
            "proxy", proxy_place(proxy) or "another form", f"{PROXY_FORM}: --proxy or {PROXY_VARIABLE}"
        )
    return proxy


def tls_options(tls: bool, ca: Path | None, certificate: Path | None, key: Path | None) -> sidewall.TlsOptions | None:
    """Return what the options say about encryption; None for a connection without.

    Raises `SettingInvalid` on a certificate without its key and on a file that holds nothing in PEM form.
    """
    for name, file in (("tls_ca", ca), ("tls_certificate", certificate), ("tls_key", key)):
        fault = None if file is None else _fault_of_pem(file)
        if fault is not None:
            raise SettingInvalid(name, str(file), f"a readable PEM file ({fault})")
    if (certificate is None) != (key is None):
        raise SettingInvalid("tls_key", key and str(key), "given together with --tls-certificate, or neither")
    if not (tls or ca or certificate):
        return None
    return sidewall.TlsOptions(ca, certificate, key)


def _fault_of_pem(file: Path) -> str | None:
    """Return why a file is no PEM file that can be read, in words; None when it is one."""
    try:
        return None if b"-----BEGIN " in file.read_bytes() else "it holds nothing in PEM form"
    except OSError as error:
        return os.strerror(error.errno or 0).lower()


def case_options(
    case_id: str | None,
    time_point: str,
    prior: Path | None,
    out: Path | None,
    *,
    urgent: bool,
    prior_images: Path | None = None,
) -> sidewall.CaseOptions:
    """Return what the options say of the case; raises `SettingInvalid` as `about_case` does."""
    findings, report = earlier_study(prior)
    return sidewall.CaseOptions(
        case_id=checked_case_id(case_id),
        time_point=check_time_point(time_point),
        prior=None if findings is None else to_mapping(findings),
        prior_images=prior_images,
        prior_report=None if prior is None or report is None else earlier_report_file(prior.parent),
        earlier_report=None if out is None else earlier_report_file(out),
        priority="urgent" if urgent else "routine",
    )


def submit_path(
    path: Path,
    server: str,
    tls: sidewall.TlsOptions | None,
    out: Path | None,
    *,
    proxy: str | None,
    options: sidewall.CaseOptions,
    inputs: CaseInputs,
    timeout_s: float | None,
    show: ShowProgress,
    tell: Tell,
) -> dict[str, Any]:
    """Send what lies at `path`, write every artefact below `out`, and return the findings in JSON form.

    It is an image file, one series, or a study, as `inputs` say. A refused case has findings with the status `refused`;
    `CaseRefused` is raised when the transfer was at fault.
    Raises the error class that fits the server's status.
    """
    try:
        with sidewall.Client(server, tls=tls, proxy=proxy) as client:
            send = _sending(client, path, inputs, tell)
            result = send(
                options=options,
                timeout_s=timeout_s,
                on_progress=lambda step: show(step.stage, step.done, step.total, step.estimate_s),
            )
    except sidewall.Refused as refusal:
        if refusal.findings is None:
            raise CaseRefused(Reason(RefusalCode(each.code), each.message) for each in refusal.reasons) from None
        if out is not None:
            write_case(out, refusal.artefacts, inputs)
        return dict(refusal.findings)
    except sidewall.SidewallClientError as error:
        # A word that is not known here came with a status that says at least what to do.
        unknown = ServerUnreachable if isinstance(error, sidewall.ServerUnreachable) else SidewallError
        raise _LOCAL_ERRORS.get(error.code, unknown)(str(error)) from None
    except (OSError, zipfile.BadZipFile) as error:
        if isinstance(failure := system_error(error, "the input"), PASSING):
            raise failure from error
        message = f"the input cannot be read ({type(error).__name__}); allowed: readable files, an intact zip file"
        raise CaseRefused([Reason(RefusalCode.NOT_DICOM, message)]) from error
    if out is not None:
        write_case(out, result.artefacts, inputs)
    return result.findings


def _sending(client: sidewall.Client, path: Path, inputs: CaseInputs, tell: Tell) -> Callable[..., sidewall.Result]:
    """Return the call with what lies at the path."""
    if inputs.series_uid is None and holds_volume_files(path):
        return _sending_volume(client, path, tell)
    if inputs.takes_one_series:
        return partial(client.analyze_series, path, on_left_aside=naming_aside(tell))
    return partial(client.analyze_study, path, series_uid=inputs.series_uid, on_left_aside=naming_aside(tell))


def _sending_volume(client: sidewall.Client, path: Path, tell: Tell) -> Callable[..., sidewall.Result]:
    """Return the call with the voxels of an image file; `tell` takes what was tolerated in it."""
    image = read_volume_file(path)
    for warning in image.warnings:
        tell(f"{WARNING}{warning}")
    volume = image.volume
    direction = tuple((float(x), float(y), float(z)) for x, y, z in volume.direction)
    geometry = sidewall.Geometry(volume.shape, volume.spacing_mm, volume.origin_lps_mm, direction)
    voxels = np.ascontiguousarray(volume.voxels, dtype="<f4")
    return partial(client.analyze_volume, voxels.tobytes(), geometry)
