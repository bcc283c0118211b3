"""Model bundles: what the runtime loads, and why it trusts it."""

from runtime.bundle.loading import Bundle, load_bundle

__all__ = ["Bundle", "load_bundle"]
