"""From the settings to a model that has proved itself."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from runtime.artifact_reference import Reference
from runtime.bundle.loading import load_bundle
from runtime.bundle.registry.access import RegistryAccess
from runtime.bundle.registry.store import BundleStore
from runtime.core.errors import SettingInvalid
from runtime.core.wording import WARNING
from runtime.inference.engine_cache import Count, EngineCache, Tell
from runtime.inference.golden import require_golden
from runtime.inference.model import LoadedModel, load_model
from runtime.settings import Settings


def load_checked_model(settings: Settings, tell: Tell = lambda _: None, count: Count = lambda _: None) -> LoadedModel:
    """Return the model of the settings' bundle after its golden case has passed.

    `tell` takes a line for every fold that has to be compiled, with the reason, `count` where each came from.
    Raises `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    folder = bundle_folder(settings)
    if folder is None:
        raise SettingInvalid("bundle", None, "the directory of a model bundle: --bundle or SIDEWALL_BUNDLE")
    bundle = load_bundle(_followed(folder))
    model = load_model(bundle, settings.backend, settings.mode, settings.threads, engine_cache(settings, tell, count))
    require_golden(model)
    return model


def _followed(folder: Path) -> Path:
    """Return where a link leads, so that one that is set anew changes nothing under a model that runs."""
    try:
        return folder.resolve() if folder.is_symlink() else folder
    except OSError:
        return folder  # Whoever opens it tells why it cannot be looked at.


def bundle_folder(
    settings: Settings,
    tell: Tell = lambda _: None,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> Path | None:
    """Return the folder of the settings' bundle, pulled if it has to be; None when they name none.

    `tell` takes what was pulled, and the warning when a tag is taken as it was; `show` the bytes done, of how many.
    Raises `RegistryFailed`, `BundleRejected` or `SettingInvalid`.
    """
    if not isinstance(settings.bundle, Reference):
        return settings.bundle
    # The HTTP library is for those who pull.
    from runtime.bundle.registry.fetching import fetch_or_last

    fetched = fetch_or_last(settings.bundle, BundleStore(settings.bundle_store), registry_access(settings), show)
    if fetched.pulled:
        tell(f"pulled {settings.bundle}{fetched.way}: {fetched.digest}")
    elif fetched.proxy is not None:
        tell(f"{settings.bundle}, asked for{fetched.way}, is here already: {fetched.digest}")
    if fetched.warning is not None:
        tell(f"{WARNING}{fetched.warning}")
    return fetched.folder


def with_local_bundle(settings: Settings, tell: Tell = lambda _: None) -> Settings:
    """Return the settings with the folder of their bundle in place of a reference (`bundle_folder`)."""
    return replace(settings, bundle=bundle_folder(settings, tell))


def registry_access(settings: Settings) -> RegistryAccess:
    """Return how the settings want registries to be spoken to."""
    return RegistryAccess(settings.registry_ca, settings.registry_auth_file, settings.registry_plain_http)


def engine_cache(settings: Settings, tell: Tell = lambda _: None, count: Count = lambda _: None) -> EngineCache | None:
    """Return where the settings keep compiled folds; None for a user without a home, where nothing is named."""
    folder = settings.engine_cache or default_engine_folder(os.environ)
    return None if folder is None else EngineCache(folder, tell, count)


def storage_places(settings: Settings) -> dict[str, Path]:
    """Return the folders that a server with these settings writes to, by what they are for."""
    engines = engine_cache(settings)
    places = {} if engines is None else {"engine_cache": engines.folder}
    return places | ({"bundle_store": settings.bundle_store} if isinstance(settings.bundle, Reference) else {})


def default_engine_folder(environment: Mapping[str, str]) -> Path | None:
    """Return sidewall/engines in the user's cache folder (XDG Base Directory Specification 0.8), if there is one."""
    named = environment.get("XDG_CACHE_HOME", "")
    try:
        # The specification has relative paths ignored.
        cache = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return cache / "sidewall" / "engines"
