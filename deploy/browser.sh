#!/usr/bin/env bash
# Finds a Chromium for the page tests. On Debian as root it installs one; elsewhere it says what is missing
# and leaves it to the tests, which count as skipped what they cannot run.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] && exit 0
[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the page tests ..."
    if apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-liberation >/dev/null; then
        exit 0
    fi
    echo "Chromium could not be installed: the page tests will be skipped and counted so."
    exit 0
fi
echo "No Chromium or Chrome found: the page tests will be skipped and counted so."
