"""One format a file, all from the one frozen `StatementView`, so that they cannot disagree."""
