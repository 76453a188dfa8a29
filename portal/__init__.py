"""The running product: wiring, pages and the services it needs."""
