"""Many boxes kept current from one place: who says what should run, what runs where, and how one becomes the other."""
