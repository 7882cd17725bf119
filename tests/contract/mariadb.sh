#!/bin/sh
# A MariaDB as a source for the tests of imports: the one that is there, else Debian's, which starts no service. Where neither is
# to be had these few tests are skipped.
[ -x /usr/sbin/mariadbd ] && command -v my_print_defaults >/dev/null && exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
$sudo apt-get update -q >/dev/null 2>&1
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends mariadb-server-core mariadb-client-core >/dev/null 2>&1
exit 0
