"""Channels: what each ring of boxes should run, said under signatures (The Update Framework, by python-tuf).

Each ring has two parts, `release` (the images of engine and gateway) and `model` (the bundle), which different people
sign. A part is a TUF target in a delegated role of its own, so its sequence number, its expiry and how many must sign
are those of the role: nobody can step back, hold still or speak for another.
"""
