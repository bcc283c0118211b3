"""Where the office and its boxes leave files for each other: a folder, a registry, a web server."""
