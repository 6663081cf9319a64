"""The site itself: liveness, the demo clock, what every template knows."""
