"""What a system administrator may set: working days, mode clocks, footer, site names. Data with a history in the log."""
