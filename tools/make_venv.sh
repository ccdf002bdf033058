#!/bin/sh
# Create the virtual environment $1 with the first Python 3.11 or later. PYTHON names another interpreter.
set -eu
venv=$1
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "${python:-}" ]; then
    echo "Mains needs Python 3.11 or later. Install it, or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
fi
# Debian packs the venv module's installer of pip apart.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    else
        echo "This Python cannot make virtual environments. As root run: apt-get install $package" >&2
        exit 1
    fi
fi
"$python" -m venv "$venv"
