"""撮合 matching, both ways and explained: firms that could do a demand, demands for a firm."""
