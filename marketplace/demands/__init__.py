"""需求 demand: written by a unit, screened, appraised, pooled, published as part of a list."""
