"""OCI registries: references, logins, sessions. Importing this package loads no HTTP library; only a session does."""
