# SPDX-License-Identifier: MIT
#
# Sourced by other scripts: installs Debian packages.
again=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/again.sh

# apt_install PACKAGE... installs them, and what they must have. It fails where
# there is no apt-get. Several scripts may be at it at once.
apt_install() {
	local sudo= policy=/usr/sbin/policy-rc.d ours= status=0
	command -v apt-get >/dev/null || { echo "missing, and there is no apt-get: $*" >&2; return 1; }
	[ "$(id -u)" -eq 0 ] || sudo=sudo
	# The tests start their own: no service is to begin with its package.
	if [ ! -e $policy ]; then
		ours=yes
		printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
		$sudo chmod +x $policy
	fi
	$sudo env DEBIAN_FRONTEND=noninteractive "$again" sh -c '
		apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update -qq || exit
		apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y -qq --no-install-recommends "$@" >/dev/null
	' sh "$@" || status=1
	[ -z "$ours" ] || $sudo rm -f $policy
	return $status
}
