"""What the browser gets besides pages: static files under versioned addresses, and the words pages are written in."""
