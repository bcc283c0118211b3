"""Figures of print quality, drawn without a screen and with the same bytes for the same data."""
