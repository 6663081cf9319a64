"""Help pages: one text per role and language, in ``content/``."""
