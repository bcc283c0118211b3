"""What is not believed, and a registry that could not be asked."""

from base.errors import SidewallError


class BundleRejected(SidewallError):
    """A model bundle is absent, altered, of an unknown schema or fails its golden case."""

    code = "bundle_rejected"


class RegistryFailed(SidewallError):
    """A registry of bundles is out of reach, refuses, or breaks off; what it holds was not judged."""

    code = "registry_failed"
