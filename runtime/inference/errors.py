"""What may be wrong with what the folds run on."""

from base.errors import SidewallError


class BackendUnavailable(SidewallError):
    """No inference backend of the wanted kind is installed or works."""

    code = "backend_unavailable"


class DeviceAbsent(BackendUnavailable):
    """The device of the wanted backend, or its driver, is not there (yet); what is installed would do."""

    code = "device_absent"
