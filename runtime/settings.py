"""Every setting of the appliance, in one place.

A setting comes from the command line, else from the environment (`SIDEWALL_` and its name in capitals), else from a
TOML file of flat `name = value` lines (`--config`, `SIDEWALL_CONFIG`), else it has its default. A bad value stops the
start with the setting's name, the value and what is allowed; so does a name that is no setting.
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from base.environment import CONFIG_VARIABLE, check_variables, variable_of
from base.errors import FileAbsent, SettingInvalid, unknown_setting
from base.exposure import check_exposure
from core.findings import GateOutcome
from core.site_choices import FilteredImages, check_site_outcome, check_site_rule
from runtime.results.settings import ResultSettings
from trust.registry.reference import OCI_PREFIX, Reference, parse_reference

Mode = Literal["exact", "fast"]
BundlePlace = Path | Reference
"""A folder, or where a registry has it."""

LogLevel = Literal["debug", "info", "warning", "error"]

_MIB = 1 << 20
SECRETS = ("pseudonym_salt",)
"""Settings that no command line takes: everybody on the machine sees it."""
_LOOPBACK_WORDS = "this machine's own address (127.0.0.1, ::1, localhost)"


@dataclass(frozen=True)
class Settings:
    """The effective settings; raises `SettingInvalid` on a value outside its range."""

    bundle: BundlePlace | None = None
    """Directory of the model bundle, or `oci:HOST/NAME` with `:TAG` or `@sha256:DIGEST` to pull it from a registry;
    commands that analyse need one.
    """

    backend: str = "auto"
    """Inference backend by name, or `auto` for the best one present; one on a GPU needs its package and the GPU."""

    mode: Mode = "exact"
    """`exact` is the reference (nnU-Net's own arithmetic); `fast` may differ within its stated tolerance."""

    threads: int = 0
    """Most CPU threads of one analysis; 0 takes all that this process may use by its affinity and by the quota of its
    container, since one analysis runs at a time. More than those are never taken.
    """

    engine_cache: Path | None = None
    """Folder of compiled folds, made at the first start and reused while bundle, device, library and options are the
    same; without this setting `sidewall/engines` in `XDG_CACHE_HOME`, else in `~/.cache`.
    """

    bundle_store: Path = Path("/var/lib/sidewall/bundles")
    """Folder that keeps pulled bundles."""

    registry_ca: Path | None = None
    """Who may sign the certificate of the bundles' registry (PEM), in place of the public authorities."""

    registry_auth_file: Path | None = None
    """Logins as `podman login --authfile` writes them; without it the file that REGISTRY_AUTH_FILE names, podman's own,
    docker's own.
    """

    registry_plain_http: bool = False
    """Speak http instead of https with a registry on this machine; one elsewhere is refused."""

    listen: str = "127.0.0.1:50051"
    """host:port of the server; port 0 takes a free one. The default is closed to other machines; what is open to them
    needs TLS, or `plaintext`.
    """

    plaintext: bool = False
    """Allow addresses other than this machine's own without TLS, where something else encrypts the way."""

    metrics_listen: str = ""
    """host:port where Prometheus reads the metrics over HTTP, without TLS and without asking who reads; port 0 takes a
    free one. None by default. What is open to other machines needs `plaintext`, also beside TLS.
    """

    tls_certificate: Path | None = None
    """The server's certificate chain (PEM); needs `tls_key`."""

    tls_key: Path | None = None
    """Private key of the server's certificate (PEM)."""

    tls_client_ca: Path | None = None
    """Who may sign clients' certificates (PEM); when given, a client must show one."""

    max_waiting: int = 3
    """Cases that wait beside the one that runs (one uses every core); more are answered RESOURCE_EXHAUSTED at once. A
    case waits once its input is whole.
    """

    max_input_mib: int = 512
    """Largest input of one call, MiB; a pelvic T2 series has 5-50. All calls together hold at most twice as much."""

    max_instances: int = 2000
    """Most DICOM instances in one call; a pelvic T2 series has 20-60."""

    max_message_mib: int = 4
    """Largest single gRPC message, MiB; the client's chunks have 1."""

    max_transfers: int = 64
    """Calls whose input comes in at the same time; more are answered RESOURCE_EXHAUSTED at once."""

    transfer_timeout_s: float = 120.0
    """Time in which the input of a call must be complete, s."""

    transfer_idle_s: float = 10.0
    """Time without a message after which a call whose input comes in is refused, s."""

    transfer_min_kib_s: float = 16.0
    """Least rate of an input over every minute, KiB/s; what is slower is refused."""

    answer_timeout_s: float = 60.0
    """Time in which a caller must read its result, s; then it is dropped. Other cases do not wait for that."""

    shutdown_grace_s: float = 30.0
    """Time that running calls have to finish after SIGTERM, s; in its last 10 s (its second half, if that is less) what
    is not done is handed back to its caller.
    """

    pseudonym_salt: str = field(default="", repr=False)
    """Secret mixed into the pseudonyms of cases without a name; better in the environment than in the file."""

    rules: Mapping[str, float] = field(default_factory=dict)
    """The site's own scoring thresholds in place of the bundle's: a table in the file, `short_axis_cutoff_mm=5,...` as
    text. Every result says which were used and what the bundle had.
    """

    gates: Mapping[str, GateOutcome] = field(default_factory=dict)
    """What a quality gate does that would warn: `warn` or `refuse`, such as `input_statistics=refuse`."""

    series_numbers: Mapping[str, int] = field(default_factory=dict)
    """Series numbers of the DICOM results, such as `report=9102`: of segmentation, report, captures, key_objects."""

    series_descriptions: Mapping[str, str] = field(default_factory=dict)
    """Start of their series descriptions, at most 34 characters; "RESEARCH - NOT FOR DIAGNOSIS" always follows."""

    restaging_rules: bool = False
    """Judge studies whose time point is `restaging` by the bundle's restaging cut-offs. Off by default: a Dutch
    re-review found no effect of downsizing (PMC10715698).
    """

    filtered_images: FilteredImages = "refuse"
    """What becomes of images that their vendor's filter made, which call themselves DERIVED\\PRIMARY: `warn` reads them
    with a warning where nothing says reformat, map or projection. Computed images are refused whatever it is.
    """

    log_level: LogLevel = "info"
    """Lowest level of log entries; none holds patient data at any level."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, (is_allowed, allowed) in _RANGES.items():
            value = getattr(self, name)
            if not is_allowed(value):
                raise SettingInvalid(name, value, allowed)
        for name, value in self.rules.items():
            check_site_rule(name, value)
        for code, outcome in self.gates.items():
            check_site_outcome(code, outcome)
        ResultSettings.chosen(self.series_numbers, self.series_descriptions)
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingInvalid("tls_key", self.tls_key, "given together with tls_certificate, or neither")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise SettingInvalid("tls_client_ca", self.tls_client_ca, "only with tls_certificate and tls_key")
        if self.tls_certificate is None and not self.plaintext and not _is_loopback(self.listen):
            raise SettingInvalid(
                "listen",
                self.listen,
                f"{_LOOPBACK_WORDS}, or TLS, or plaintext = true",
            )
        if self.metrics_listen and not self.plaintext and not _is_loopback(self.metrics_listen):
            raise SettingInvalid(
                "metrics_listen", self.metrics_listen, f"{_LOOPBACK_WORDS}, or plaintext = true: it has no TLS"
            )

    @property
    def results(self) -> ResultSettings:
        """How the series of the results present themselves."""
        return ResultSettings.chosen(self.series_numbers, self.series_descriptions)

    @property
    def max_input_bytes(self) -> int:
        """Largest input of one call, bytes."""
        return self.max_input_mib * _MIB

    @property
    def max_message_bytes(self) -> int:
        """Largest single gRPC message, bytes."""
        return self.max_message_mib * _MIB


def setting_names() -> tuple[str, ...]:
    """Return the names of all settings, as they stand in the file."""
    return tuple(each.name for each in fields(Settings))


def allowed_values(name: str) -> str:
    """Return what a setting may be, in the words of its error."""
    kind = get_type_hints(Settings)[name]
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return _RANGES[name][1] if name in _RANGES else _PARSERS[kind][1]


def load_settings(
    given: Mapping[str, Any] | None = None,
    *,
    named: Iterable[str] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Return the effective settings.

    `given` are values from the command line (None counts as not given), `named` further ones there as `NAME=VALUE`,
    which give way to them; `environment` defaults to the process's, `file` to what `SIDEWALL_CONFIG` names. Raises
    `SettingInvalid`, also on a variable or name that is no setting.
    """
    environment = os.environ if environment is None else environment
    check_variables(environment, setting_names())
    file = file or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    values: dict[str, Any] = _read_file(file) if file else {}
    kinds = get_type_hints(Settings)
    for name in kinds:
        if environment.get(variable_of(name)):
            values[name] = environment[variable_of(name)]
    values.update(_named_values(named or ()))
    values.update({name: value for name, value in (given or {}).items() if value is not None})
    return Settings(**{name: _parse(name, value, kinds[name]) for name, value in values.items()})


def _named_values(pairs: Iterable[str]) -> dict[str, str]:
    """Return the settings of texts `NAME=VALUE`, as `--set` takes them, still as text.

    Raises `SettingInvalid`, also on a secret: a command line is seen by everybody on the machine.
    """
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise SettingInvalid("set", pair, "NAME=VALUE")
        if name not in setting_names():
            raise unknown_setting(name, setting_names())
        if name in SECRETS:
            raise SettingInvalid("set", f"{name}=...", f"other settings; {name} by {variable_of(name)} or in the file")
        values[name] = value
    return values


def _read_file(file: Path) -> dict[str, Any]:
    check_exposure("config", file)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileAbsent("config", str(file), "a TOML file that is there") from error
    except OSError as error:
        raise SettingInvalid("config", str(file), f"a readable TOML file ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingInvalid("config", str(file), f"valid TOML ({error})") from error
    for name in values:
        if name not in setting_names():
            raise unknown_setting(name, setting_names())
    return values


def _parse(name: str, value: Any, kind: Any) -> Any:
    """Return a value of the setting's type; text comes from the environment."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise SettingInvalid(name, value, " or ".join(get_args(kind)))
        return value
    parser, allowed = _PARSERS[kind]
    try:
        return parser(value)
    except (TypeError, ValueError) as error:
        raise SettingInvalid(name, value, allowed) from error


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise ValueError(value)
    return words[str(value).lower()]


def _to_int(value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError(value)
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _to_table(value: Any) -> dict[str, str]:
    """Return a table of names and texts, from a mapping or from `name=value,...`."""
    if isinstance(value, Mapping):
        return {str(name): str(each) for name, each in value.items()}
    pairs = [part.partition("=") for part in str(value).split(",") if part.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError(value)
    return {name.strip(): each.strip() for name, _, each in pairs}


def _to_numbers(value: Any) -> dict[str, float]:
    return {name: float(each) for name, each in _to_table(value).items()}


def _to_whole_numbers(value: Any) -> dict[str, int]:
    return {name: int(each) for name, each in _to_table(value).items()}


def _to_bundle_place(value: Any) -> BundlePlace:
    text = str(value)
    return parse_reference(text[len(OCI_PREFIX) :], "bundle") if text.startswith(OCI_PREFIX) else Path(text)


_PARSERS: dict[Any, tuple[Callable[[Any], Any], str]] = {
    BundlePlace | None: (_to_bundle_place, "a path, or oci:HOST[:PORT]/NAME with :TAG or @sha256:DIGEST"),
    Path: (Path, "a path"),
    Path | None: (Path, "a path"),
    str: (str, "text"),
    bool: (_to_bool, "true or false"),
    int: (_to_int, "a whole number"),
    float: (_to_float, "a number"),
    Mapping[str, float]: (_to_numbers, "name=number, separated by commas, or a table of numbers"),
    Mapping[str, int]: (_to_whole_numbers, "name=whole number, separated by commas, or a table of whole numbers"),
    Mapping[str, str]: (_to_table, "name=text, separated by commas, or a table of texts"),
    Mapping[str, GateOutcome]: (_to_table, "gate=outcome, separated by commas, or a table"),
}

_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "threads": (lambda value: 0 <= value <= 1024, "0 (all that are of use) to 1024"),
    "listen": (lambda value: _port(value) is not None, "host:port with a port of 0 to 65535"),
    "metrics_listen": (
        lambda value: value == "" or _port(value) is not None,
        "host:port with a port of 0 to 65535, or empty",
    ),
    "max_waiting": (lambda value: 0 <= value <= 1000, "0 to 1000"),
    "max_input_mib": (lambda value: 1 <= value <= 65536, "1 to 65536 (MiB)"),
    "max_instances": (lambda value: 1 <= value <= 100_000, "1 to 100000"),
    "max_message_mib": (lambda value: 2 <= value <= 1024, "2 to 1024 (MiB)"),
    "max_transfers": (lambda value: 1 <= value <= 1000, "1 to 1000"),
    "transfer_idle_s": (lambda value: 0 < value <= 3600, "more than 0, at most 3600 (s)"),
    "transfer_min_kib_s": (lambda value: 0 <= value <= 1_000_000, "0 (any) to 1000000 (KiB/s)"),
    "answer_timeout_s": (lambda value: 0 < value <= 86_400, "more than 0, at most 86400 (s)"),
    "transfer_timeout_s": (lambda value: 0 < value <= 86_400, "more than 0, at most 86400 (s)"),
    "shutdown_grace_s": (lambda value: 0 <= value <= 3600, "0 to 3600 (s)"),
}


def _port(listen: str) -> int | None:
    host, separator, port = listen.rpartition(":")
    if not (host and separator and port.isdecimal() and int(port) <= 65535):
        return None
    return int(port)


def _is_loopback(listen: str) -> bool:
    return listen.rpartition(":")[0].strip("[]") in {"127.0.0.1", "::1", "localhost"}
