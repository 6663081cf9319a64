"""Pages of demands that anybody may read."""
