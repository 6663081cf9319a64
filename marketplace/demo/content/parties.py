"""The invented organisations and people (``organisations/``, ``people.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from marketplace.demo.content.files import names, read


class Contact(NamedTuple):
    """Whom a demand names: ``name`` with the section in front, an 11-digit mobile number, a mail address."""

    name: str
    phone: str
    email: str


class Qualification(NamedTuple):
    """A certificate in the profile; ``days`` from the day of the demo until it expires."""

    name: str
    number: str
    days: int


@dataclass(frozen=True, slots=True)
class Organisation:
    """``kind``: government, public, soe, enterprise, university, institute, notary (accounts.rules.OrganisationKind).

    ``roles``: unit, bidder, authority, supervisor, custodian, finance, operator. ``controller`` and ``affiliates`` are
    keys of other organisations, ``controller_name`` is an outsider. ``industries`` are codes of the taxonomy.
    """

    key: str
    name: str
    name_en: str
    short: str
    kind: str
    roles: tuple[str, ...]
    credit_code: str
    legal_representative: str
    address: str
    size: str = "na"
    controller: str = ""
    controller_name: str = ""
    affiliates: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    capabilities: str = ""
    contacts: tuple[Contact, ...] = ()
    qualifications: tuple[Qualification, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """An account. Experts have no ``org`` but an ``employer`` (``employer_org`` where that is one of ours)."""

    username: str
    name: str
    roles: tuple[str, ...]
    title: str
    phone: str
    org: str = ""
    employer: str = ""
    employer_org: str = ""
    outside: bool = False
    fields: tuple[str, ...] = ()

    @property
    def email(self) -> str:
        """Mails of the demo go to a reserved domain."""
        return f"{self.username.replace('_', '.')}@demo.example.com"


@cache
def organisations() -> dict[str, Organisation]:
    """By key, authorities first, bidders last."""
    rows = [row for name in names("organisations") for row in read(name)["organisation"]]
    return {row["key"]: _organisation(row) for row in rows}


@cache
def people() -> dict[str, Person]:
    """By user name, the accounts of the sign-in cards first."""
    return {
        row["username"]: Person(**{**row, "roles": tuple(row["roles"]), "fields": tuple(row.get("fields", ()))})
        for row in read("people.toml")["person"]
    }


def _organisation(row: dict[str, Any]) -> Organisation:
    return Organisation(
        **{
            **row,
            "roles": tuple(row["roles"]),
            "affiliates": tuple(row.get("affiliates", ())),
            "industries": tuple(row.get("industries", ())),
            "contacts": tuple(Contact(*item) for item in row.get("contacts", ())),
            "qualifications": tuple(Qualification(*item) for item in row.get("qualifications", ())),
        }
    )
