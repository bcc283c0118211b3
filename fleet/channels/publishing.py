"""From the office's folder to where boxes read: everything that is new first, `timestamp.json` last."""

from pathlib import Path
from typing import Final

from fleet.stores.store import FileAbsentThere, Store

_TIMESTAMP: Final = "metadata/timestamp.json"


def publish(folder: Path, store: Store) -> int:
    """Copy what the store lacks and return how many files that was; a copy that breaks off leaves the state before.

    Raises what the store does.
    """
    known = {name for each in ("metadata", *_folders(folder / "targets")) for name in store.names(each)}
    files = [each for top in ("metadata", "targets") for each in sorted((folder / top).rglob("*.json"))]
    count = 0
    for file in files:
        name = file.relative_to(folder).as_posix()
        if name not in known and name != _TIMESTAMP and not file.name.startswith("."):
            store.write(name, file.read_bytes())
            count += 1
    newest = (folder / _TIMESTAMP).read_bytes()
    if not _holds(store, newest):
        store.write(_TIMESTAMP, newest)
        count += 1
    return count


def _folders(top: Path) -> list[str]:
    return [f"targets/{each.name}" for each in sorted(top.glob("*")) if each.is_dir()] + ["targets"]


def _holds(store: Store, newest: bytes) -> bool:
    try:
        return store.read(_TIMESTAMP) == newest
    except FileAbsentThere:
        return False
