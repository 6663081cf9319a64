"""The front page: what is open, what is new, what comes next."""
