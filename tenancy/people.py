"""People who can sign in."""

from __future__ import annotations

from tenancy.models import Person


def invite(email: str, *, name: str, password: str) -> Person:
    """The person of this address, made if there is none yet; a password is set only then."""
    held = Person.objects.filter(email=email.strip().lower()).first()
    return held or Person.objects.create_person(email, name=name, password=password)
