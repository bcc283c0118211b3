"""What makes pages and stubs, and holds the house to its plan; no program stands on it."""
