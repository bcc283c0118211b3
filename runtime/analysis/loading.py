"""From the settings to a model that has proved itself."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from base.errors import SettingInvalid
from base.processors import processors
from base.wording import WARNING
from core.findings import ModelDescription
from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.progress import Monitor, Progress, Tell
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from runtime.analysis.settings import ModelSettings
from runtime.bundle.loading import Bundle, load_bundle
from runtime.bundle.registry.store import BundleStore
from runtime.inference.backends.registry import chosen_backend
from runtime.inference.engine_cache import Count, EngineCache
from runtime.inference.golden import require_golden
from runtime.inference.model import LoadedModel, describe_model, load_model, model_warnings
from trust.registry.access import RegistryAccess
from trust.registry.reference import Reference

_Settings = TypeVar("_Settings", bound=ModelSettings)


def load_checked_model(
    settings: ModelSettings, tell: Tell = lambda _: None, count: Count = lambda _: None, bundle: Bundle | None = None
) -> LoadedModel:
    """Return the model of the settings' bundle, or of one that is open already, after its golden case has passed.

    `tell` takes a line for every fold that has to be compiled, with the reason, `count` where each came from.
    Raises `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    bundle = bundle or open_bundle(settings)
    model = load_model(bundle, settings.backend, settings.mode, settings.threads, engine_cache(settings, tell, count))
    require_golden(model)
    return model


def open_bundle(settings: ModelSettings) -> Bundle:
    """Return the settings' bundle, verified; raises `SettingInvalid` or `BundleRejected`."""
    folder = bundle_folder(settings)
    if folder is None:
        raise SettingInvalid("bundle", None, "the directory of a model bundle: --bundle or SIDEWALL_BUNDLE")
    return load_bundle(_followed(folder))


class ModelOnDemand:
    """A model that is loaded and checked when there is an image to segment: a refusal needs the bundle alone.

    Takes the place of a model in an analysis (`runtime.analysis.case.Segmenter`). Raises `SettingInvalid`,
    `BundleRejected` or `BackendUnavailable` when it is made, and when it is loaded.
    """

    label_map_sha256: None = None

    def __init__(self, settings: ModelSettings, tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._bundle = open_bundle(settings)
        self._backend = chosen_backend(settings.backend)

    @cached_property
    def _model(self) -> LoadedModel:
        return load_checked_model(self._settings, self._tell, bundle=self._bundle)

    @property
    def rules(self) -> ScoringRules:
        """The scoring rules that the bundle carries."""
        return self._bundle.rules

    @property
    def input_reference(self) -> InputReference | None:
        """Statistics of the training cases' images, if the bundle has them."""
        return self._bundle.input_reference

    @property
    def image_reference(self) -> ImageReference | None:
        """Limits of the gates on the image itself, if the bundle has them."""
        return self._bundle.image_reference

    @property
    def station_reference(self) -> StationReference | None:
        """How much of each station the training cases show, if the bundle says so."""
        return self._bundle.manifest.station_reference

    @property
    def knows_phantoms_only(self) -> bool:
        """Whether the model has never seen a patient."""
        return self._bundle.trained_on == "phantom"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every result of the model says."""
        return model_warnings(self._bundle)

    def describe(self) -> ModelDescription:
        """Return what the findings say about it, the same before and after it is loaded."""
        threads = processors().threads(self._settings.threads or 0)
        return describe_model(self._bundle, self._backend, self._settings.mode, threads)

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Load the model at the first call, and segment a canonical volume."""
        monitor.report(Progress("load", 0, 1))
        return self._model.segment(volume, monitor, rules)


def _followed(folder: Path) -> Path:
    """Return where a link leads, so that one that is set anew changes nothing under a model that runs."""
    try:
        return folder.resolve() if folder.is_symlink() else folder
    except OSError:
        return folder  # Whoever opens it tells why it cannot be looked at.


def bundle_folder(
    settings: ModelSettings,
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


def with_local_bundle(settings: _Settings, tell: Tell = lambda _: None) -> _Settings:
    """Return the settings with the folder of their bundle in place of a reference (`bundle_folder`)."""
    return replace(settings, bundle=bundle_folder(settings, tell))


def registry_access(settings: ModelSettings) -> RegistryAccess:
    """Return how the settings want registries to be spoken to."""
    return RegistryAccess(settings.registry_ca, settings.registry_auth_file, settings.registry_plain_http)


def engine_cache(
    settings: ModelSettings, tell: Tell = lambda _: None, count: Count = lambda _: None
) -> EngineCache | None:
    """Return where the settings keep compiled folds; None for a user without a home, where nothing is named."""
    folder = settings.engine_cache or default_engine_folder(os.environ)
    return None if folder is None else EngineCache(folder, tell, count)


def storage_places(settings: ModelSettings) -> dict[str, Path]:
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
