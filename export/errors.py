"""The failure of export, in the runtime's error tree."""

from base.errors import SidewallError


class ExportFailed(SidewallError):
    """Something to export is missing, of a kind the runtime does not do, or fails its parity gate."""

    code = "export_failed"
