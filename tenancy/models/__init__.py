from tenancy.models.base import TenantManager, TenantModel
from tenancy.models.ledger import AuditRecord, InstallationRun, Outcome, Run, RunFields
from tenancy.models.people import (
    SEES_WHOLE_TENANT,
    ApiToken,
    Membership,
    Person,
    PersonManager,
    Role,
)
from tenancy.models.tenants import Tenant, TenantProfile, TenantState

__all__ = [
    "SEES_WHOLE_TENANT",
    "ApiToken",
    "AuditRecord",
    "InstallationRun",
    "Membership",
    "Outcome",
    "Person",
    "PersonManager",
    "Role",
    "Run",
    "RunFields",
    "Tenant",
    "TenantManager",
    "TenantModel",
    "TenantProfile",
    "TenantState",
]
