"""What happens to a study that has come in: it is closed, decided upon, analysed, and its results checked."""
