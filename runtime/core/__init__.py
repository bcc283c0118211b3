"""Geometry, reading, measurement and findings: light enough for training, export and the phantom to share."""
