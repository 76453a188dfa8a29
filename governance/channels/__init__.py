"""The ways on which a notice leaves: e-mail, Microsoft Teams, Slack, signed webhooks.

Each knows the form its receiver wants; `wire` alone connects to what people of a tenant typed in.
Nothing here touches the database.
"""
