"""Bodies made from label maps of real people: reading, registering, composing, and what the maps lack."""
