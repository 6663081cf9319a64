"""What the locked sheets of a review come to: who has finished, the ranking with its record, the report."""
