"""`python -m fleet`: the command `sidewall-fleet`."""

from fleet.cli import main

main()
