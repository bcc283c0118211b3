"""The inference engines: one protocol, a file for each that fulfils it, and the registry of which are present."""
