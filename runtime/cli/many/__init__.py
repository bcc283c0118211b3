"""`sidewall analyze --jobs`: many cases by processes that each keep one loaded model."""
