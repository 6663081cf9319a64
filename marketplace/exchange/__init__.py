"""Lists in and out of the house: reading what offices send, templates, exports."""
