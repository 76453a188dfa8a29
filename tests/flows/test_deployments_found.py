"""Deployments are found by host and name, whatever comes together with what."""

from __future__ import annotations

import pytest

from inventory import deployments
from inventory.models import Deployment, Origin
from tenancy import scope
from tests.world import NOW, World

HERE = ("ai-contoso.openai.azure.com", "gpt-5.2-chat")


@pytest.mark.django_db
@pytest.mark.usefixtures("world")
class TestFound:
    def test_a_name_alone_means_the_one_host_that_has_it(self, world: World) -> None:
        with scope.of(world.contoso.ref):
            gateway = world.contoso.gateway.pk
            found = deployments.ids_by_key(gateway, [("", "GPT-5.2-chat"), HERE], at=NOW)
            assert set(found.values()) == {world.contoso.deployment.pk}

    def test_a_name_that_becomes_ambiguous_in_the_same_batch_is_kept_by_itself(
        self, world: World
    ) -> None:
        there = ("ai-elsewhere.openai.azure.com", "gpt-5.2-chat")
        with scope.of(world.contoso.ref):
            gateway = world.contoso.gateway.pk
            found = deployments.ids_by_key(gateway, [("", "gpt-5.2-chat"), there, HERE], at=NOW)
            assert len(set(found.values())) == 3
            assert found[HERE] == world.contoso.deployment.pk
            bare = Deployment.objects.get(pk=found["", "gpt-5.2-chat"])
            assert (bare.host, bare.origin) == ("", Origin.USAGE)
            again = deployments.ids_by_key(gateway, list(found), at=NOW)
            assert again == found
