"""The public list for programs: JSON with its OpenAPI description, an Atom feed and a calendar."""
