"""From a reference to a verified bundle in the store: from the store where it is pinned and there, else pulled."""

from dataclasses import dataclass, replace
from pathlib import Path

from runtime.bundle.loading import load_bundle
from runtime.bundle.registry.artifact import ShowBytes, artifact_digest
from runtime.bundle.registry.client import connected
from runtime.bundle.registry.store import BundleStore
from trust.errors import BundleRejected, RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.reference import Reference


@dataclass(frozen=True)
class Fetched:
    """Where a reference led."""

    folder: Path
    digest: str
    """Of the artifact."""

    pulled: bool
    """Whether it had to be fetched now."""

    warning: str | None = None
    """Why this may not be what the reference is by now."""

    proxy: str | None = None
    """host:port of the proxy through which the registry was asked, if there was one."""

    @property
    def way(self) -> str:
        """Words for a sentence on how the registry was reached; empty where it was asked directly, or not at all."""
        return "" if self.proxy is None else f" through the proxy {self.proxy}"


def fetch_bundle(
    reference: Reference, store: BundleStore, access: RegistryAccess, show: ShowBytes = lambda done, total: None
) -> Fetched:
    """Return the bundle of a reference, pulled and verified unless it is in the store already.

    A digest that is there needs no registry; a tag is asked for each time. Raises `RegistryFailed`, `BundleRejected`
    with the reason, or `SettingInvalid` when the store cannot be written.
    """
    if reference.digest is not None and store.has(reference.digest):
        return Fetched(store.path_of(reference.digest), reference.digest, pulled=False)
    with connected(reference, access) as repository:
        content = repository.read_artifact()
        digest = artifact_digest(content)
        target = store.path_of(digest)
        if store.last_of(str(reference)) == digest:
            return Fetched(target, digest, pulled=False, proxy=repository.proxy)
        with store.changing():
            absent = not store.has(digest)  # Who waited for the lock finds what the other has pulled.
            if absent:
                repository.receive(content, target, show)
            store.note(str(reference), digest)
    return Fetched(target, digest, pulled=absent, proxy=repository.proxy)


def fetch_sound_bundle(
    reference: Reference, store: BundleStore, access: RegistryAccess, show: ShowBytes = lambda done, total: None
) -> Fetched:
    """Return what `fetch_bundle` does after it was opened, pulled anew where the one in the store is damaged.

    The one in the store goes only when another has been verified: what is not trusted here may be trusted by a server.
    """
    fetched = fetch_bundle(reference, store, access, show)
    if fetched.pulled:
        return fetched
    try:
        load_bundle(fetched.folder)
    except BundleRejected:
        with connected(replace(reference, digest=fetched.digest), access) as repository, store.changing():
            fresh = store.hidden_path()
            repository.receive(repository.read_artifact(), fresh, show)
            store.put(fresh, fetched.digest)
        return replace(fetched, pulled=True, proxy=repository.proxy)
    return fetched


def fetch_or_last(
    reference: Reference, store: BundleStore, access: RegistryAccess, show: ShowBytes = lambda done, total: None
) -> Fetched:
    """Return what `fetch_bundle` does, or what the tag was last, with a warning, when the registry fails.

    A bundle that is rejected stops all the same: nobody would look at a warning while an older model answers.
    """
    try:
        return fetch_bundle(reference, store, access, show)
    except RegistryFailed as error:
        digest = store.last_of(str(reference))
        if digest is None:
            raise
        said = f"{error}; {reference} is taken as it was when last pulled, {digest}"
        return Fetched(store.path_of(digest), digest, pulled=False, warning=said)
