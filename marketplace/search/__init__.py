"""Find it: full-text search, facets, suggestions and alerts over everything the public may see."""
