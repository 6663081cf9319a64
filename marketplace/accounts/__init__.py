"""账号 accounts: people, organisations, roles, sessions, second factors."""
