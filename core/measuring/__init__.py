"""From masks to nodes, midline and stations, with their sizes and features."""
