"""The parts of the report, one module each; each takes a study's data and returns a `Section`, or None without data."""
