#!/bin/sh
# An nginx to stand before the dashboard in one test: the one that is there, else Debian's, unpacked into the folder $1 and not
# installed, for that would begin to serve. Where neither is to be had the test is skipped.
command -v nginx >/dev/null 2>&1 && exit 0
[ -x "$1/usr/sbin/nginx" ] && exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
folder=$(mktemp -d)
cd "$folder" || exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
apt-get download -q nginx >/dev/null 2>&1 || { $sudo apt-get update -q && apt-get download -q nginx; } >/dev/null 2>&1
for package in nginx_*.deb; do
  [ -f "$package" ] && dpkg -x "$package" "$1"
done
rm -rf "$folder"
exit 0
