"""能力 capabilities: what a firm can do, in its own words, public once a screener has read it."""
