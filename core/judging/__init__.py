"""From what was measured to what is said: stations seen, quality gates, decisions, changes since an earlier study."""
