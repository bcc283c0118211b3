"""What is measured and how: accuracy on phantoms, parity, speed. Not installed, run from a checkout."""
