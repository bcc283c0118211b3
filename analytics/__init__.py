"""Validation and survival statistics from findings files, readers' tables and follow-up data (research use only).

A tool of its own: it knows the findings schema of the package `sidewall` and nothing of the appliance.
"""
