"""From the settings to a model that has proved itself."""

import os
from collections.abc import Mapping
from pathlib import Path

from runtime.bundle.loading import load_bundle
from runtime.core.errors import SettingInvalid
from runtime.inference.engine_cache import Count, EngineCache, Tell
from runtime.inference.golden import require_golden
from runtime.inference.model import LoadedModel, load_model
from runtime.settings import Settings


def load_checked_model(settings: Settings, tell: Tell = lambda _: None, count: Count = lambda _: None) -> LoadedModel:
    """Return the model of the settings' bundle after its golden case has passed.

    `tell` takes a line for every fold that has to be compiled, with the reason, `count` where each came from.
    Raises `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    if settings.bundle is None:
        raise SettingInvalid("bundle", None, "the directory of a model bundle: --bundle or SIDEWALL_BUNDLE")
    bundle = load_bundle(settings.bundle)
    model = load_model(bundle, settings.backend, settings.mode, settings.threads, engine_cache(settings, tell, count))
    require_golden(model)
    return model


def engine_cache(settings: Settings, tell: Tell = lambda _: None, count: Count = lambda _: None) -> EngineCache | None:
    """Return where the settings keep compiled folds; None for a user without a home, where nothing is named."""
    folder = settings.engine_cache or default_engine_folder(os.environ)
    return None if folder is None else EngineCache(folder, tell, count)


def default_engine_folder(environment: Mapping[str, str]) -> Path | None:
    """Return sidewall/engines in the user's cache folder (XDG Base Directory Specification 0.8), if there is one."""
    named = environment.get("XDG_CACHE_HOME", "")
    try:
        # The specification has relative paths ignored.
        cache = Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return cache / "sidewall" / "engines"
