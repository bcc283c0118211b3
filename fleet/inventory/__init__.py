"""The inventory: what every box says of itself, signed, and what the office makes of it."""
