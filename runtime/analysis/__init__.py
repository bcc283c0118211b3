"""What is done with one case: model, images, the way of the data, its folder; called alike by every entry."""
