#!/bin/sh
# Install what PyPI cannot give, when this is root on Debian or a relative of it; otherwise say what to do.
#   pdf      Pango and fonts, for the PDF of bills
#   browser  Chromium, for the browser tests
set -eu
missing=""
case $1 in
pdf)
    ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
    libraries=$("$ldconfig" -p 2>/dev/null || true)
    for pair in libpango-1.0.so.0=libpango-1.0-0 libpangoft2-1.0.so.0=libpangoft2-1.0-0 \
        libharfbuzz-subset.so.0=libharfbuzz-subset0; do
        case $libraries in
        *"${pair%%=*}"*) ;;
        *) missing="$missing ${pair#*=}" ;;
        esac
    done
    [ -n "$(find /usr/share/fonts /usr/local/share/fonts -name '*.[to]t[fc]' 2>/dev/null | head -n 1)" ] ||
        missing="$missing fonts-dejavu-core"
    ;;
browser)
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
        [ -n "${MAINS_BROWSER:-}" ] || missing="chromium"
    ;;
*)
    echo "usage: $0 pdf|browser" >&2
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
if [ "$1" = browser ]; then
    echo "The browser tests need Chromium. As root run: apt-get install chromium" >&2
    echo "Or name a browser: make test MAINS_BROWSER=/path/to/chromium" >&2
    exit 1
fi
echo "Bills become PDF only with Pango. As root run: apt-get install$missing" >&2
