#!/bin/sh
# PostgreSQL's image runs this once, when its volume is empty. The roles' passwords come from the environment.
set -eu
: "${APPORTION_OWNER_PASSWORD:?is not set}" "${APPORTION_APP_PASSWORD:?is not set}"
exec psql -X -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -f /apportion/roles.sql
