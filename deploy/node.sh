#!/usr/bin/env bash
# Installs Microsoft's KQL parser for the tests, once per lock file. Where Node is missing it says so and leaves
# it to the tests, which count as skipped what they cannot run (and fail where CI=true).
set -euo pipefail
cd "$(dirname "$0")/../tests/kql"

stamp=node_modules/.installed
skipped="the queries are not checked with Microsoft's parser, and the tests are counted as skipped."

if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
    found=$(node --version 2>/dev/null || true)
    echo "No Node 20 or newer with npm (found: ${found:-none}): $skipped"
    exit 0
fi
hash=$(node -p 'require("node:crypto").createHash("sha256").update(require("node:fs").readFileSync("package-lock.json")).digest("hex")')
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then
    exit 0
fi
echo "Installing tests/kql/package-lock.json (once; 31 MB) ..."
if npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null; then
    echo "$hash" >"$stamp"
else
    echo "npm could not install it: $skipped" >&2
fi
