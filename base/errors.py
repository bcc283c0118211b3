"""The one error tree: every expected failure has a code and a text that is safe to show.

Messages say what was got and what is allowed, and never carry patient data. An exception outside this tree is
answered as `internal_error` without its text, because that text could hold patient data.

Here stand the root and what any program of ours may meet; each room keeps what only it can raise. What becomes of an
error at an edge is said there, by its code: exit statuses in `base/exit_status.py`, those of gRPC in
`runtime/serving/statuses.py`.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import ClassVar, TypeVar

_Entry = TypeVar("_Entry")


class SidewallError(Exception):
    """Base of every expected failure."""

    code: ClassVar[str] = "internal_error"
    """Word by which callers, logs and tables of statuses know it."""


def entry_of(error: SidewallError | type[SidewallError], table: Mapping[str, _Entry]) -> _Entry:
    """Return what a table says of an error by its code, else by the code of the nearest kind it belongs to.

    Raises `KeyError` where the table lacks even `internal_error`.
    """
    kind = error if isinstance(error, type) else type(error)
    codes = (each.code for each in kind.__mro__ if issubclass(each, SidewallError))
    return table[next((code for code in codes if code in table), SidewallError.code)]


class SystemFailed(SidewallError):
    """The operating system refused something that no setting and no input is to blame for.

    `place` is the path, or what stands for it; `remedy` what an operator can do.
    """

    code = "system_failed"
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


class SettingInvalid(SidewallError):
    """A setting has a value that is not allowed."""

    code = "setting_invalid"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"setting {name} is {value!r}; allowed: {allowed}")


class AddressUnavailable(SettingInvalid):
    """An address is taken, or not (yet) one of this machine: another process may leave it, a network may come up."""

    code = "address_unavailable"


class FileAbsent(SettingInvalid):
    """A file that a setting names is not there (yet): what mounts or renews it may still bring it."""

    code = "file_absent"


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


class NoResults(SidewallError):
    """Nothing is there of what a caller asks for by the name of its study or job: not yet, or not any longer."""

    code = "no_results"


class ServerUnreachable(SidewallError):
    """No Sidewall server answered at the given address."""

    code = "server_unreachable"
