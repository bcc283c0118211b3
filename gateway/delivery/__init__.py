"""Bringing objects to their destinations, each on its own, and having them confirmed."""
