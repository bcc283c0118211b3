"""The report of a study: tables, figures and checklists; the same input gives the same bytes."""
