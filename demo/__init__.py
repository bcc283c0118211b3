"""The main job, shown once: a real server, a synthetic patient and a real series, findings and pictures."""
