"""Compiled folds on disk, so that a start need not compile them again.

An engine is a program for one device, made by one version of one library. Every file says what it was made for and
from; one that was not made for this very start, or whose bytes changed, is made anew and never given to its library.
"""

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from base.system_errors import system_error
from base.wording import WARNING
from core.progress import Tell
from runtime.inference.errors import BackendUnavailable

FORMAT: Final = "sidewall-engine 1"
_LONGEST_HEADER: Final = 1 << 16
_PART: Final = ".part"
_NAME: Final = re.compile(r"[a-z0-9-]+-[0-9a-f]{16}-[0-9a-f]{32}\.engine")

Loaded = TypeVar("Loaded")
Count = Callable[[Literal["stored", "built"]], None]
"""Takes where an engine came from."""


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on; two that differ in anything share no engine."""

    backend: str
    """Such as `tensorrt-rtx`."""

    library: str
    """What compiles it, with its version."""

    device: str
    """What it is compiled for: as much of processor or GPU and driver as the library's engines depend on."""

    fold_sha256: str
    """Of the fold's ONNX file, which the bundle's digest covers. Bundles that share a fold share its engine."""

    options: Mapping[str, str | int | bool] = field(default_factory=dict)
    """Precision, shape of a tile, flags."""

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {"options": dict(self.options)}

    @property
    def digest(self) -> str:
        """Return the sha256 of the key's canonical JSON."""
        return hashlib.sha256(json.dumps(self.to_mapping(), sort_keys=True).encode()).hexdigest()

    @property
    def file_name(self) -> str:
        """Name of the engine's file; engines of one fold and backend begin alike."""
        return f"{self._family}{self.digest[:32]}.engine"

    @property
    def _family(self) -> str:
        return f"{self.backend}-{self.fold_sha256[:16]}-"

    def is_kin(self, name: str) -> bool:
        """Return whether a file of that name is an engine of the same fold and backend, made for something else."""
        return bool(_NAME.fullmatch(name)) and name.startswith(self._family) and name != self.file_name


class _Unusable(Exception):
    """A stored engine cannot be taken, and why."""


class EngineCache:
    """A folder of engines, which several processes may share."""

    def __init__(self, folder: Path, tell: Tell = lambda _: None, count: Count = lambda _: None) -> None:
        self.folder = folder
        self._tell, self._count = tell, count

    def __len__(self) -> int:
        """Return how many engines are stored, sound or not."""
        return sum(1 for path in self.folder.glob("*.engine") if _NAME.fullmatch(path.name))

    def obtain(
        self, key: EngineKey, load: Callable[[bytes], Loaded], build: Callable[[], tuple[Loaded, bytes]]
    ) -> Loaded:
        """Return the loaded engine of a key: the stored one if it is sound, else one built now, which is stored.

        `load` gives an engine's bytes to its library and raises `BackendUnavailable` when that does not take them;
        `build` returns the engine loaded, and its bytes. Of several processes one builds and the others wait for it.
        """
        with self._alone_with(key):
            try:
                loaded = load(self._read(key))
            except (_Unusable, BackendUnavailable) as error:
                self._tell(f"{key.backend}: building the engine of fold {key.fold_sha256[:12]}: {error}")
            else:
                self._count("stored")
                return loaded
            loaded, engine = build()
            self._count("built")
            try:
                self._write(key, engine)
            except OSError as error:
                lack = f"the engine is used but cannot be stored in {self.folder}: {_reason(error)}"
                self._tell(f"{WARNING}{key.backend}: {lack}")
            return loaded

    def holds(self, key: EngineKey) -> bool:
        """Return whether a sound engine of that key is stored."""
        try:
            self._read(key)
        except _Unusable:
            return False
        return True

    def _read(self, key: EngineKey) -> bytes:
        """Return the stored engine of a key; raises `_Unusable` with the reason when it must not be loaded."""
        path = self.folder / key.file_name
        try:
            with path.open("rb") as file:
                _require_private(os.fstat(file.fileno()))
                header, engine = file.readline(_LONGEST_HEADER), file.read()
        except FileNotFoundError:
            raise _Unusable(self._why_absent(key)) from None
        except OSError as error:
            raise _Unusable(f"the stored one cannot be read ({error.strerror})") from error
        stored = _parse(header)
        if stored.get("format") != FORMAT:
            raise _Unusable("the stored one is damaged: it has no header")
        if stored.get("key") != key.to_mapping():
            raise _Unusable(f"the stored one is foreign: {_differences(stored.get('key'), key)}")
        if stored.get("bytes") != len(engine):
            raise _Unusable(f"the stored one is damaged: {len(engine)} bytes instead of {stored.get('bytes')}")
        if stored.get("sha256") != hashlib.sha256(engine).hexdigest():
            raise _Unusable("the stored one is damaged: its bytes changed")
        return engine

    def write(self, key: EngineKey, engine: bytes) -> Path:
        """Store an engine whole or not at all, also when the power fails; raises `OSError`."""
        with self._alone_with(key):
            return self._write(key, engine)

    def _write(self, key: EngineKey, engine: bytes) -> Path:
        self._make_folder()
        header = {
            "format": FORMAT,
            "key": key.to_mapping(),
            "bytes": len(engine),
            "sha256": hashlib.sha256(engine).hexdigest(),
        }
        target = self.folder / key.file_name
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=f"{key.file_name}.", suffix=_PART)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(header, sort_keys=True).encode() + b"\n" + engine)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(self.folder)
        return target

    def _why_absent(self, key: EngineKey) -> str:
        """Return `none is stored`, or for which other library or device the same fold's engine is."""
        for path in sorted(self.folder.glob("*.engine")):
            if key.is_kin(path.name):
                with suppress(OSError), path.open("rb") as file:
                    stored = _parse(file.readline(_LONGEST_HEADER)).get("key")
                    if isinstance(stored, dict) and stored.get("options") == dict(key.options):
                        return f"the stored one is stale: {_differences(stored, key)}"
        return "none is stored"

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def _alone_with(self, key: EngineKey) -> Iterator[None]:
        """Keep other processes from building the same engine; without a lock both build, and neither is harmed."""
        try:
            self._make_folder()
            lock = (self.folder / f"{key.file_name}.lock").open("wb")
        except OSError:
            yield
            return
        with lock:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._clear(key)
            yield

    def _clear(self, key: EngineKey) -> None:
        """Remove what processes that were ended while they stored this engine have left; raises `OSError`."""
        for left in self.folder.glob(f"{key.file_name}.*{_PART}"):
            left.unlink()


def obtain_engine(
    cache: EngineCache | None,
    key: EngineKey,
    load: Callable[[bytes], Loaded],
    build: Callable[[], tuple[Loaded, bytes]],
) -> Loaded:
    """Return what `EngineCache.obtain` gives, or without a cache what is built."""
    return build()[0] if cache is None else cache.obtain(key, load, build)


def sha256_of(model: bytes) -> str:
    """Return the sha256 of a fold's ONNX file, as it stands in the manifest."""
    return hashlib.sha256(model).hexdigest()


def _reason(error: OSError) -> str:
    failure = system_error(error, "there")
    return str(error.strerror) if failure is None else f"{error.strerror} ({failure.code}); {failure.remedy}"


def _require_private(status: os.stat_result) -> None:
    """Raise `_Unusable` on a file that somebody else could have written: an engine is a program."""
    if status.st_uid not in (0, os.geteuid()):
        raise _Unusable("the stored one is foreign: it belongs to another user")
    if status.st_mode & 0o002:
        raise _Unusable("the stored one is foreign: every user may write it")


def _parse(header: bytes) -> dict[str, Any]:
    """Return the header's fields, none when it is no JSON object."""
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _differences(stored: object, key: EngineKey) -> str:
    """Return in which parts a stored key is another, and what they were."""
    if not isinstance(stored, dict):
        return "it does not say what it was made for"
    wanted = key.to_mapping()
    parts = [
        f"{name} {stored.get(name)!r}, now {wanted[name]!r}" for name in wanted if stored.get(name) != wanted[name]
    ]
    return "; ".join(parts) or "it says more than is known"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
