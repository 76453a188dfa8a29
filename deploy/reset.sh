#!/usr/bin/env bash
# Removes the local state folder, unless something still runs on it.
set -euo pipefail
cd "$(dirname "$0")/.."

state=$1
if [ ! -d "$state" ]; then
    echo "Nothing to forget: $state is not there."
    exit 0
fi
pid=$(cat "$state/supervisor.pid" 2>/dev/null || true)
# A number left by a run that was killed may by now be another program's.
if [ -n "$pid" ] && ps -p "$pid" -o command= 2>/dev/null | grep -q 'portal\.'; then
    echo "Apportion is running (process $pid). Stop it first: kill $pid" >&2
    exit 2
fi
# Run as root, the database may live outside the checkout: the folder says where.
if [ -f "$state/postgres-elsewhere" ]; then
    elsewhere=$(cat "$state/postgres-elsewhere")
    case $elsewhere in
        /var/lib/apportion-*) rm -rf "$elsewhere" ;;
        *) echo "Left alone, not one of ours: $elsewhere" >&2 ;;
    esac
fi
rm -rf "$state"
echo "Forgotten: $state"
