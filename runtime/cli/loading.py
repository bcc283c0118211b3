"""From the settings to a model that has proved itself."""

from runtime.bundle.loading import load_bundle
from runtime.core.errors import SettingInvalid
from runtime.inference.golden import require_golden
from runtime.inference.model import LoadedModel, load_model
from runtime.settings import Settings


def load_checked_model(settings: Settings) -> LoadedModel:
    """Return the model of the settings' bundle after its golden case has passed.

    Raises `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    if settings.bundle is None:
        raise SettingInvalid("bundle", None, "the directory of a model bundle: --bundle or SIDEWALL_BUNDLE")
    model = load_model(load_bundle(settings.bundle), settings.backend, settings.mode, settings.threads)
    require_golden(model)
    return model
