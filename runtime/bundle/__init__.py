"""Model bundles: what the runtime loads, and why it trusts it."""
