"""The one error tree: every expected failure has a code, a text that is safe to show, and its wire statuses.

Messages say what was got and what is allowed, and never carry patient data. An exception outside this tree is
answered as `internal_error` without its text, because that text could hold patient data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # The command line loads this module before anything heavy.
    from pydicom.dataset import Dataset


class RefusalCode(StrEnum):
    """Why a case was not analysed; stable words on the wire, in findings.json and in exit messages."""

    EMPTY_INPUT = "empty_input"
    NOT_DICOM = "not_dicom"
    SEVERAL_SERIES = "several_series"
    MIXED_PATIENTS = "mixed_patients"
    NO_SUITABLE_SERIES = "no_suitable_series"
    TIED_SERIES = "tied_series"
    NOT_MR = "not_mr"
    NOT_T2 = "not_t2"
    DERIVED_IMAGE = "derived_image"
    NOT_AXIAL = "not_axial"
    MISSING_SLICE = "missing_slice"
    DUPLICATE_SLICE = "duplicate_slice"
    MIXED_GEOMETRY = "mixed_geometry"
    MISSING_GEOMETRY = "missing_geometry"
    TOO_FEW_SLICES = "too_few_slices"
    TOO_COARSE = "too_coarse"
    TOO_LARGE = "too_large"
    UNREADABLE_PIXELS = "unreadable_pixels"
    NO_SIGNAL = "no_signal"
    UNSUPPORTED_PIXELS = "unsupported_pixels"
    INCOMPLETE_TRANSFER = "incomplete_transfer"
    INVALID_VOLUME = "invalid_volume"
    UNREADABLE_LABEL_MAP = "unreadable_label_map"
    LABEL_MAP_MISMATCH = "label_map_mismatch"
    UNKNOWN_LABEL = "unknown_label"
    # Gates that warn unless the site lets them refuse.
    FIELD_OF_VIEW = "field_of_view"
    INPUT_STATISTICS = "input_statistics"
    FAR_FROM_TRAINING = "far_from_training"
    GREY_LEVELS = "grey_levels"
    ODD_SLICES = "odd_slices"
    DEAD_ZONES = "dead_zones"
    MIDLINE = "midline"
    STATIONS_MISSING = "stations_missing"
    STATIONS_IMBALANCE = "stations_imbalance"
    NODES_OUTSIDE_STATIONS = "nodes_outside_stations"
    NODE_COUNT = "node_count"
    FOLD_AGREEMENT = "fold_agreement"


@dataclass(frozen=True)
class Reason:
    """One reason of a refusal."""

    code: RefusalCode
    message: str
    """What was got and what is allowed; no patient data."""

    slices: tuple[int, ...] = field(default=(), compare=False)
    """Which slices (or frames) it is about, for a picture: 0-based, as they came; empty when about no single ones."""


class SidewallError(Exception):
    """Base of every expected failure."""

    code: ClassVar[str] = "internal_error"
    grpc_status: ClassVar[str] = "INTERNAL"
    """Name of the `grpc.StatusCode` this becomes."""
    exit_code: ClassVar[int] = 1
    """Process exit status of the command line."""


class CaseRefused(SidewallError):
    """The input cannot be analysed; carries every reason found, not only the first.

    `headers` are what could be read of the refused instances, without pixels: whom the refusal is about.
    """

    code = "refused"
    grpc_status = "INVALID_ARGUMENT"
    exit_code = 3

    def __init__(self, reasons: Iterable[Reason], headers: Iterable[Dataset] = ()) -> None:
        self.reasons = tuple(reasons)
        self.headers = tuple(headers)
        super().__init__("; ".join(f"{reason.code}: {reason.message}" for reason in self.reasons))


class ResultIncomplete(SidewallError):
    """A fault of the program kept a file of the result from being written; the rest of it is there."""

    code = "result_incomplete"
    exit_code = 12


class BundleRejected(SidewallError):
    """A model bundle is absent, altered, of an unknown schema or fails its golden case."""

    code = "bundle_rejected"
    grpc_status = "FAILED_PRECONDITION"
    exit_code = 4


class RegistryFailed(SidewallError):
    """A registry of bundles is out of reach, refuses, or breaks off; what it holds was not judged."""

    code = "registry_failed"
    grpc_status = "UNAVAILABLE"
    exit_code = 5


class BackendUnavailable(SidewallError):
    """No inference backend of the wanted kind is installed or works."""

    code = "backend_unavailable"
    grpc_status = "FAILED_PRECONDITION"
    exit_code = 4


class SystemFailed(SidewallError):
    """The operating system refused something that no setting and no input is to blame for.

    `place` is the path, or what stands for it; `remedy` what an operator can do.
    """

    code = "system_failed"
    grpc_status = "UNAVAILABLE"
    exit_code = 8
    what: ClassVar[str] = "the system failed"
    remedy: ClassVar[str] = "look at the system's own log (dmesg, journalctl -k)"

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        super().__init__(f"{place}: {self.what} ({reason}); {self.remedy}")


class DiskFull(SystemFailed):
    """No space, or no quota, is left."""

    code = "disk_full"
    what = "no space is left"
    remedy = "make room there, or name another place"


class ReadOnlyStorage(SystemFailed):
    """The file system cannot be written, by anybody."""

    code = "read_only_storage"
    what = "the file system is read-only"
    remedy = "mount it writable, or name another place"


class PermissionLacking(SystemFailed):
    """This user may not do that there."""

    code = "permission_lacking"
    what = "this user may not do that there"
    remedy = "give the user of this process the right to it, or name another place"


class TooManyOpenFiles(SystemFailed):
    """The process, or the whole machine, may open no more files."""

    code = "too_many_open_files"
    what = "no more files may be opened"
    remedy = "raise the limit (ulimit -n; LimitNOFILE= in the unit)"


class StorageGone(SystemFailed):
    """A disk, or the network that it lies behind, went away or is broken."""

    code = "storage_gone"
    what = "the storage does not answer as it should"
    remedy = "look whether it is still there (mount, dmesg)"


class OutOfMemory(SystemFailed):
    """Neither the machine nor the limit of its container has memory left."""

    code = "out_of_memory"
    what = "no memory is left"
    remedy = "give the process more, or less to do at the same time"


class DeviceAbsent(BackendUnavailable):
    """The device of the wanted backend, or its driver, is not there (yet); what is installed would do."""

    code = "device_absent"
    exit_code = 11


class SettingInvalid(SidewallError):
    """A setting has a value that is not allowed."""

    code = "setting_invalid"
    grpc_status = "INVALID_ARGUMENT"
    exit_code = 2

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"setting {name} is {value!r}; allowed: {allowed}")


class AddressUnavailable(SettingInvalid):
    """An address is taken, or not (yet) one of this machine: another process may leave it, a network may come up."""

    code = "address_unavailable"
    exit_code = 9


class FileAbsent(SettingInvalid):
    """A file that a setting names is not there (yet): what mounts or renews it may still bring it."""

    code = "file_absent"
    exit_code = 10


class _UnknownSetting(SettingInvalid):
    """There is no setting of that name."""

    def __init__(self, name: str, known: tuple[str, ...], meant: str | None) -> None:
        self.name, self.value, self.allowed = name, None, ", ".join(known)
        question = f" (did you mean {meant}?)" if meant else ""
        SidewallError.__init__(self, f"no such setting: {name}{question}; allowed: {self.allowed}")


def unknown_setting(name: str, known: Iterable[str], *, prefix: str = "") -> SettingInvalid:
    """Return the error of a name that is no setting; its value, a secret perhaps, is not shown.

    `prefix` is what all names begin with: it says nothing about which of them was meant.
    """
    names = {each.removeprefix(prefix).lower(): each for each in known}
    near = get_close_matches(name.removeprefix(prefix).lower(), names, 1)
    return _UnknownSetting(name, tuple(names.values()), names[near[0]] if near else None)


class ServerBusy(SidewallError):
    """The admission limit is reached; try again later."""

    code = "server_busy"
    grpc_status = "RESOURCE_EXHAUSTED"
    exit_code = 5


class AnalysisCancelled(SidewallError):
    """The caller cancelled, or the deadline passed, and the work was stopped."""

    code = "cancelled"
    grpc_status = "CANCELLED"
    exit_code = 6


class AnswerNotRead(SidewallError):
    """The case was analysed, but the caller did not read its result, which was dropped."""

    code = "answer_not_read"
    grpc_status = "CANCELLED"
    exit_code = 6


class ServerUnreachable(SidewallError):
    """No Sidewall server answered at the given address."""

    code = "server_unreachable"
    grpc_status = "UNAVAILABLE"
    exit_code = 5
