"""What every program of ours stands on: errors, streams, processors, durable files, and what servers share."""

__version__ = "0.1.0"
