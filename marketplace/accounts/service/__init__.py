"""The only writer of the accounts tables: people and sessions, recovery and privacy, organisations and their members."""

from marketplace.accounts.service.members import (
    change_roles,
    invite,
    withdraw_invitation,
)
from marketplace.accounts.service.organisations import decide, edit, register
from marketplace.accounts.service.people import (
    SignInRefused,
    check_password,
    confirm_role,
    create_organisation,
    create_user,
    end_all_sessions,
    end_session,
    first_administrator,
    give_role,
    grant_role,
    hash_password,
    open_session,
    revoke_role,
    set_password,
    verify_totp,
    wrong_password,
)
from marketplace.accounts.service.privacy import ask_erasure, decide_erasure
from marketplace.accounts.service.recovery import request_reset, use_reset

__all__ = [
    "SignInRefused",
    "ask_erasure",
    "change_roles",
    "check_password",
    "confirm_role",
    "create_organisation",
    "create_user",
    "decide",
    "decide_erasure",
    "edit",
    "end_all_sessions",
    "end_session",
    "first_administrator",
    "give_role",
    "grant_role",
    "hash_password",
    "invite",
    "open_session",
    "register",
    "request_reset",
    "revoke_role",
    "set_password",
    "use_reset",
    "verify_totp",
    "withdraw_invitation",
    "wrong_password",
]
