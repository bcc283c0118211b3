"""From what an operator writes to the store that is meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fleet.stores.folder import FolderStore
from fleet.stores.mirror import MirrorStore
from fleet.stores.registry import RegistryStore
from fleet.stores.store import Store
from trust.registry.access import RegistryAccess
from trust.registry.reference import OCI_PREFIX, parse_reference

ALLOWED: Final = "a folder, oci:HOST[:PORT]/NAME, or https://HOST/PATH"


@contextmanager
def opened_store(where: str, access: RegistryAccess) -> Iterator[Store]:
    """Give the store at a folder, `oci:HOST[:PORT]/NAME` or `https://HOST/PATH` while the context is open.

    Raises `SettingInvalid`.
    """
    if where.startswith(OCI_PREFIX):
        # Every file has a tag of its own, so none is named here.
        registry = RegistryStore(parse_reference(f"{where.removeprefix(OCI_PREFIX)}:any", "store"), access)
        try:
            yield registry
        finally:
            registry.close()
    elif where.startswith(("https://", "http://")):
        mirror = MirrorStore(where, access)
        try:
            yield mirror
        finally:
            mirror.close()
    else:
        yield FolderStore(Path(where))
