"""What a system administrator may set: working days, mode clocks, footer, site names."""
