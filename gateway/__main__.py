"""`python -m gateway` is `sidewall-gateway`."""

from gateway.cli import main

main()
