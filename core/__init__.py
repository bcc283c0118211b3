"""What a case is: reading, choosing, measuring and judging it. No transport, no screen, no settings of a server."""
