"""Survival statistics of validation cohorts: curves, tests, Cox models, competing risks, discrimination, calibration.

One representation of follow-up (`times.Followup`) and of covariates (`design.Design`) goes into every function; every
result is a frozen dataclass that carries its method, the patients and the events that it rests on.
"""
