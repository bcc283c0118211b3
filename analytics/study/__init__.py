"""A study's files: the study file that names them, readers of every kind of them, and the report of what is wrong."""
