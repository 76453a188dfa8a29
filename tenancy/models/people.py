from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from tenancy.models.base import TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class PersonManager(BaseUserManager["Person"]):
    """People are found by e-mail address, whatever its case."""

    def create_person(self, email: str, *, name: str, password: str | None = None) -> Person:
        """A new person who may sign in; belongs to no tenant yet."""
        person = self.model(email=email.strip().lower(), name=name)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=(username or "").strip().lower())


class Person(AbstractBaseUser):
    """Somebody who can sign in. What they may do is said by their memberships alone."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]  # Django declares it so

    class Meta:
        ordering = ("email",)
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.email

    def get_short_name(self) -> str:
        return self.name


class Role(models.TextChoices):
    VIEWER = "viewer", "viewer"
    TEAM_OWNER = "team_owner", "team owner"
    APPROVER = "approver", "approver"
    FINANCE = "finance", "finance"
    ADMIN = "admin", "admin"
    AUDITOR = "auditor", "auditor"


#: Who sees every team of the tenant; the others see the teams they belong to.
SEES_WHOLE_TENANT = frozenset({Role.APPROVER, Role.FINANCE, Role.ADMIN, Role.AUDITOR})


class Membership(TenantModel):
    """A person's role in one tenant."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)

    class Meta:
        ordering = ("person__email",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "person"), name="tenancy_membership_one_per_person"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="tenancy_membership_role_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person.email}, {self.get_role_display()}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(person_id=actor.person_id)


class ApiToken(TenantModel):
    """A secret of one person in one tenant, stored hashed.

    It can do what its scopes say, and never more than its person may.
    """

    name = models.CharField(max_length=120)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, editable=False)
    prefix = models.CharField(max_length=12, editable=False)
    scopes = models.JSONField(default=list, help_text="Such as read:usage, read:statements.")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "API token"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "digest"), name="tenancy_token_digest"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(person_id=actor.person_id)
