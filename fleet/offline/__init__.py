"""Updates by file, for a box without a network: what a ring is told, and all of it, carried on a medium."""
