"""Whom to believe: keys, signatures, revocation, and the registries that hold what was signed."""
