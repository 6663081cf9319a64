"""消息 notifications: what happened, told on the site and by mail to those whom it concerns, exactly once."""
