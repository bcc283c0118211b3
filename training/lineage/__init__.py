"""What a checkpoint knows of itself: its cases and settings, so that no file beside it has to be believed."""
