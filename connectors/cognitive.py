"""AI accounts over Azure Resource Manager: which models stand behind which deployment."""

import re
from datetime import UTC
from urllib.parse import urlsplit

from azure.mgmt.cognitiveservices.models import Account, Deployment

from connectors.paging import everything
from connectors.records import CognitiveAccount, ModelDeployment
from connectors.session import AzureSession
from connectors.translation import resource_manager, translated

#: What Azure calls the result of a fine-tuning job: base model, its version, ``.ft-`` and an id.
_FINE_TUNED = re.compile(r"(?P<model>.+?)-(?P<version>\d{4}(?:-\d{2}-\d{2})?)\.ft-.+", re.ASCII)


def deployments(azure: AzureSession, account: CognitiveAccount) -> tuple[ModelDeployment, ...]:
    """All deployments of the account, with the region and the host of the account itself."""
    client = azure.cognitive_services(account.subscription_id)
    subject = f"AI account {account.account}"
    with translated(resource_manager(azure.endpoints, azure.name, subject)):
        owner = client.accounts.get(account.resource_group, account.account)
        found = everything(
            client.deployments.list,
            account.resource_group,
            account.account,
            what=f"deployments of {account.account}",
            most_pages=azure.endpoints.most_pages,
        )
    return tuple(_deployment(account.account, owner, deployment) for deployment in found)


def _deployment(account: str, owner: Account, deployment: Deployment) -> ModelDeployment:
    properties = deployment.properties
    model = properties.model if properties else None
    base = _FINE_TUNED.fullmatch((model.name if model else None) or "")
    created = deployment.system_data.created_at if deployment.system_data else None
    return ModelDeployment(
        account=account,
        endpoint_host=_host(owner) or f"{account}.openai.azure.com",
        name=deployment.name or "",
        model=(model.name if model else None) or "",
        version=(model.version if model else None) or "",
        sku=(deployment.sku.name if deployment.sku else None) or "",
        region=owner.location or "",
        capacity=deployment.sku.capacity if deployment.sku else None,
        state=str((properties.provisioning_state if properties else None) or ""),
        created_at=created.astimezone(UTC) if created and created.tzinfo else None,
        base_model=base["model"] if base else "",
        base_version=base["version"] if base else "",
    )


def _host(owner: Account) -> str:
    endpoint = owner.properties.endpoint if owner.properties else None
    return (urlsplit(endpoint).hostname if endpoint else None) or ""
