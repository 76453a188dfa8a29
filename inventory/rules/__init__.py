"""Pure code of this floor: no database, no framework, no wire."""
