"""From which prompt length on a call counts as long. Pure."""

#: Prompts of more tokens than this are charged at long-context prices where a model has them:
#: OpenAI's band, as its price lists and LiteLLM's price file (``…_above_272k_tokens``) have it.
#: Other makers' bands are narrower (128K, 200K); the gateway's log does not tell whose model was
#: called in a form to rely on, so that their long calls are counted short.
LONGER_THAN = 272_000
