"""Azure on loopback: the services the product talks to, for the demo and the tests."""
