"""Diagnostic accuracy of model and readers: figures, curves, calibration, paired tests, node detection, subgroups."""
