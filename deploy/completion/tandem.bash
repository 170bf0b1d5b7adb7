# SPDX-License-Identifier: AGPL-3.0-or-later
# Completion of tandem(8) and tandemctl(8) for bash.

_tandem()
{
	local word=$2 before=$3
	case $before in
	-c)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	case " ${COMP_WORDS[*]:1:COMP_CWORD-1} " in
	*" --setup "*)
		mapfile -t COMPREPLY < <(compgen -S = -W "domain server secret admin \
			public_address trunk username password number owner" -- "$word")
		compopt -o nospace 2>/dev/null
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "-c -h -n -V -v --setup doctor" -- "$word")
		;;
	esac
}

_tandemctl()
{
	local word=$2 before=$3
	case $before in
	-r)
		mapfile -t COMPREPLY < <(compgen -W "owner operator read-only none" -- "$word")
		return
		;;
	-s)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-u)
		return
		;;
	log-level)
		mapfile -t COMPREPLY < <(compgen -W "error warn info debug" -- "$word")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "-h -r -s -t -u help status calls watch trace-start trace-show \
		trace-follow traces trace-stop trace-save history history-export \
		trunks routes numbers accounts blocks users users-list users-online users-online-list users-active \
		users-active-list users-disabled users-disabled-list changes call-hangup trunk-add trunk-edit trunk-remove trunk-test trunk-call \
		trunk-drain route-put route-remove number-assign number-release number-ring number-texts number-import \
		account-add account-disable account-enable account-remove user-hangup block unblock \
		account-limits account-caller-id announce reload backup drain upgrade restart shutdown log-level my-numbers my-calls \
		why-failed my-settings my-caller-id transfer-call my-test-call my-move my-take do-not-disturb my-blocks my-block my-unblock" -- "$word")
}

complete -F _tandem tandem
complete -F _tandemctl tandemctl
