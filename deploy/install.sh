#!/usr/bin/env bash
# Installs the locked requirements into .venv, once per lock file.
#   deploy/install.sh demo|dev
# A stamp holds the lock's hash: when it matches, nothing is done. "dev" contains "demo".
set -euo pipefail
cd "$(dirname "$0")/.."

want=$1
venv=.venv

hash_of() {
    "$1" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$2"
}

python_on_path() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || true)
    echo "Apportion needs Python 3.11 or newer; found: ${found:-none}." >&2
    echo "Install one (Debian: apt-get install python3 python3-venv; macOS: brew install python) or set PYTHON=/path/to/python3." >&2
    exit 2
}

stamped() { # is this lock, as it is now, installed?
    [ -f "$venv/.installed-$1" ] && [ "$(cat "$venv/.installed-$1")" = "$(hash_of "$venv/bin/python" "requirements-$1.lock")" ]
}

make_venv() {
    local python
    python=$(python_on_path)
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "Could not make $venv. On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 2
    fi
}

# A copied or half-made folder has no working interpreter: make it anew.
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { rm -rf "$venv"; make_venv; }
if stamped dev || { [ "$want" = demo ] && stamped demo; }; then
    exit 0
fi

echo "Installing requirements-$want.lock into $venv (once; takes a minute or two) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements-$want.lock"
hash_of "$venv/bin/python" "requirements-$want.lock" >"$venv/.installed-$want"
