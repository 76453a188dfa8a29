from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from tenancy import people
from tenancy.administration import May, TenantForm, TenantModelAdmin
from tenancy.models import ApiToken, Membership


class InvitationForm(TenantForm):
    """Somebody by their e-mail address; the answer is the same whether they are known or not."""

    email = forms.EmailField(label="E-mail address")
    name = forms.CharField(max_length=120)
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        label="First password",
        help_text="For somebody new here. A person who can already sign in keeps theirs, and "
        "their name.",
    )

    class Meta:
        model = Membership
        fields = ("role",)

    def clean_email(self) -> str:
        """The address as people are found by it, of somebody who is no member yet."""
        email = str(self.cleaned_data["email"]).strip().lower()
        if Membership.objects.filter(person__email=email).exists():
            raise ValidationError("This person is a member already: change their role instead.")
        return email

    def clean_password(self) -> str:
        """The password, if it is good enough."""
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE | May.DELETE
    list_display = ("person", "name", "role")
    list_filter = ("role",)
    list_select_related = ("person",)
    search_fields = ("person__email", "person__name")
    readonly_fields = ("person",)

    @admin.display(ordering="person__name")
    def name(self, row: Membership) -> str:
        return row.person.name

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("person",) if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("person", "role") if obj else ("email", "name", "password", "role")

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        if obj is None:
            kwargs["form"] = InvitationForm
            kwargs["fields"] = ("role",)
        return super().get_form(request, obj, change, **kwargs)

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        if obj.pk is None:
            said = form.cleaned_data
            obj.person = people.invite(said["email"], name=said["name"], password=said["password"])


@admin.register(ApiToken)
class ApiTokenAdmin(TenantModelAdmin):
    """Tokens are made by those they stand for; here they are looked at and revoked."""

    admins_may = May.CHANGE
    unsaid = TenantModelAdmin.unsaid | {"digest"}
    list_display = ("name", "person", "prefix", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("expires_at", "revoked_at")
    list_select_related = ("person",)
    search_fields = ("name", "person__email", "prefix")
    fields = (
        "name",
        "person",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    readonly_fields = fields[:-1]
