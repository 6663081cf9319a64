"""The only writer of the accounts tables: people and sessions, recovery and privacy, organisations and their members."""

from marketplace.accounts.service.members import (
    accept_invitation,
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
from marketplace.accounts.service.recovery import confirm_totp, new_totp_secret, request_reset, totp_uri, use_reset

__all__ = [
    "SignInRefused",
    "accept_invitation",
    "ask_erasure",
    "change_roles",
    "check_password",
    "confirm_role",
    "confirm_totp",
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
    "new_totp_secret",
    "open_session",
    "register",
    "request_reset",
    "revoke_role",
    "set_password",
    "totp_uri",
    "use_reset",
    "verify_totp",
    "withdraw_invitation",
    "wrong_password",
]
