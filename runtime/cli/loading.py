"""From the settings to a model that has proved itself."""

import sys

from runtime.bundle.loading import load_bundle
from runtime.core.errors import SettingInvalid
from runtime.inference.golden import require_golden
from runtime.inference.model import LoadedModel, load_model
from runtime.settings import Settings


def forbid_telemetry() -> None:
    """Keep OpenVINO from reporting its use to its maker over the network; call before a backend is imported.

    OpenVINO then takes the stand-in that it has for installations without the package `openvino_telemetry`.
    """
    # None makes the import fail.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def load_checked_model(settings: Settings) -> LoadedModel:
    """Return the model of the settings' bundle after its golden case has passed.

    Raises `SettingInvalid`, `BundleRejected` or `BackendUnavailable`.
    """
    if settings.bundle is None:
        raise SettingInvalid("bundle", None, "the directory of a model bundle: --bundle or SIDEWALL_BUNDLE")
    forbid_telemetry()
    backend = None if settings.backend == "auto" else settings.backend
    model = load_model(load_bundle(settings.bundle), backend, settings.mode, settings.threads)
    require_golden(model)
    return model
