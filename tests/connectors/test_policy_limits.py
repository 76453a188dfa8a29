"""The token limits that a product policy states."""

import pytest

from connectors.apim import token_limits
from connectors.failures import Permanent


def policy(inbound: str) -> str:
    return f"<policies><inbound><base />{inbound}</inbound></policies>"


def test_plain_limits_are_read() -> None:
    text = policy(
        '<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="2000"'
        ' token-quota="1000000" token-quota-period="Monthly" estimate-prompt-tokens="false" />'
    )
    assert token_limits(text) == (2000, 1_000_000, "Monthly")


def test_the_older_name_and_a_lone_rate_are_read() -> None:
    text = policy('<azure-openai-token-limit counter-key="k" tokens-per-minute="500" />')
    assert token_limits(text) == (500, None, None)


@pytest.mark.parametrize("value", ["@(context.Product.Id)", "{{tpm}}", "", "-5", "1e3", "²"])
def test_what_is_no_number_is_no_limit(value: str) -> None:
    text = policy(f'<llm-token-limit tokens-per-minute="{value}" />')
    assert token_limits(text) == (None, None, None)


def test_the_tightest_of_several_counts_with_its_own_period() -> None:
    text = policy(
        "<choose><when condition='@(true)'>"
        "<llm-token-limit token-quota='900' token-quota-period='Daily' tokens-per-minute='70' />"
        "</when></choose>"
        "<llm-token-limit token-quota='1000' token-quota-period='Monthly' tokens-per-minute='60' />"
    )
    assert token_limits(text) == (60, 900, "Daily")


def test_a_policy_without_limits_has_none() -> None:
    assert token_limits(policy("")) == (None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "<policies>",
        "",
        '<!DOCTYPE p [<!ENTITY a "b">]><policies>&a;</policies>',
        '<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><policies>&a;</policies>',
    ],
)
def test_unreadable_or_hostile_xml_is_refused(text: str) -> None:
    with pytest.raises(Permanent, match="not readable XML"):
        token_limits(text)
