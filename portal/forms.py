"""Forms of the pages."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """E-mail address and password; the answer is the same for an unknown address."""

    username = forms.EmailField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    error_messages = {  # noqa: RUF012 - as the framework's own form has it
        "invalid_login": "This e-mail address and password do not belong together. Passwords are"
        " set by an administrator of your organisation: ask there for a new one.",
        "inactive": "This e-mail address and password do not belong together. Passwords are"
        " set by an administrator of your organisation: ask there for a new one.",
    }
