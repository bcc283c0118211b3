"""Bundles as OCI artifacts: how a box fetches them, and where it keeps them.

Importing this package loads no HTTP library; only a fetch does.
"""
