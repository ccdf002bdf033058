#!/bin/sh
# Install what PyPI cannot give, when this is root on Debian or a relative of it; otherwise say what to do.
#   browser   Chromium, for the browser tests
#   auditors  hledger, which reads the ledger's export and has to find the same balances; its tests are left out without
set -eu
missing=""
case $1 in
auditors)
    command -v hledger >/dev/null || missing="hledger"
    ;;
browser)
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
        [ -n "${MAINS_BROWSER:-}" ] || missing="chromium"
    ;;
*)
    echo "usage: $0 browser | auditors" >&2
    exit 2
    ;;
esac
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
if [ "$1" = auditors ]; then
    echo "The ledger is not compared with hledger. As root run: apt-get install hledger" >&2
    exit 0
fi
echo "The browser tests need Chromium. As root run: apt-get install chromium" >&2
echo "Or name a browser: make test MAINS_BROWSER=/path/to/chromium" >&2
exit 1
