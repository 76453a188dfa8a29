"""E-mail: HTML and text, one mail a person, by the installation's mail server."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from governance.channels.message import Message, NotTaken, address_of

#: A refusal of a mail server from here on lasts.
_LASTING = 500


def can_send() -> bool:
    """Whether the installation names a mail server."""
    return bool(settings.APPORTION.email_url)


def send(to: str, message: Message) -> None:
    """Write to one person about one notice.

    Raises:
        NotTaken: the mail server did not take it.
    """
    shown = {"message": message, "preferences": address_of(message.tenant, _PREFERENCES)}
    subject = f"{message.tenant_name}: {message.title}"
    _mail(to, subject, "mail", shown, f"notice.{message.tenant}.{message.number}")


def send_digest(to: str, messages: Sequence[Message]) -> None:
    """Write to one person about a day's notices, all of one tenant; there is at least one.

    Raises:
        NotTaken: the mail server did not take it.
    """
    first, last = messages[0], messages[-1]
    many = "1 notice" if len(messages) == 1 else f"{len(messages)} notices"
    shown = {
        "messages": messages,
        "many": many,
        "tenant_name": first.tenant_name,
        "preferences": address_of(first.tenant, _PREFERENCES),
    }
    key = f"digest.{first.tenant}.{first.number}-{last.number}"
    _mail(to, f"{first.tenant_name}: {many}", "digest", shown, key)


_PREFERENCES = "notifications/preferences/"


def _mail(to: str, subject: str, template: str, shown: dict[str, Any], key: str) -> None:
    mail = EmailMultiAlternatives(
        subject=" ".join(subject.split())[:200],
        body=render_to_string(f"notifications/{template}.txt", shown),
        to=[to],
        # The same at every try: a mail server can drop what it has delivered. Nobody who is away
        # shall answer to it.
        headers={
            "Message-ID": f"<{key}.{to.replace('@', '.at.')}@apportion>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    mail.attach_alternative(render_to_string(f"notifications/{template}.html", shown), "text/html")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, says = next(iter(error.recipients.values()))
        raise _not_taken(code, says) from None
    except smtplib.SMTPResponseException as error:
        raise _not_taken(error.smtp_code, error.smtp_error) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotTaken(f"The mail server does not answer: {error}", beyond=True) from None


def _not_taken(code: int, says: bytes | str) -> NotTaken:
    text = says.decode("utf-8", "replace") if isinstance(says, bytes) else says
    told = f"The mail server answered {code}: {' '.join(text.split())}"
    return NotTaken(told[:400], status=code, lasting=code >= _LASTING)
