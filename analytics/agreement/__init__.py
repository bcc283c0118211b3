"""Agreement between readers, and between readers and model: categories, millimetres, confusion matrices."""
