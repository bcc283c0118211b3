"""What builds the images and holds them to their licences and locks."""
