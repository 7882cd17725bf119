#!/bin/sh
# A Chromium for the browser tests: the one that is there, else Debian's package.
[ -x "${CHROMIUM:-}" ] && exit 0
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] && exit 0
if command -v apt-get >/dev/null 2>&1; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  $sudo apt-get update -q >/dev/null
  for name in chromium-headless-shell chromium; do  # without windows where there is such a package
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q "$name" fonts-liberation >/dev/null && exit 0
  done
fi
echo "No Chromium found: install one (or set CHROMIUM=/path/to/it); the browser tests cannot run without." >&2
exit 1
