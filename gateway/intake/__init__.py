"""Taking instances: over associations, over HTTP, and from a folder; acknowledged when they are durable."""
