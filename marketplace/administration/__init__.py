"""管理 administration: people and roles, settings, the log read by name; joining by invitation."""
