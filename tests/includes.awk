# SPDX-License-Identifier: AGPL-3.0-or-later
# Who may include whom: the folders are the architecture. Reads source files,
# tells each include that breaks the table, and a source without its licence.
#     awk -f tests/includes.awk FILE...
BEGIN {
	may["gateway"] = "gateway sip xmpp media db base"
	may["sip"] = "sip media base"
	may["xmpp"] = "xmpp media base"
	may["media"] = "media base"
	may["db"] = "db base"
	may["base"] = "base"
	may["tests"] = "tests gateway sip xmpp media db base"
	# Libraries whose headers one folder alone sees, and only in its .c files.
	only["sofia-sip/"] = "sip"
	only["expat.h"] = "xmpp"
	only["srtp2/"] = "media"
	only["re/"] = "media"
	only["sqlite3.h"] = "db"
	only["confuse.h"] = "gateway"
	only["event2/"] = "gateway sip xmpp media db"
	only["openssl/"] = "gateway sip xmpp media db"
	only["jansson.h"] = "gateway"
	only["systemd/"] = "gateway"
	only["seccomp.h"] = "gateway"
	only["phonenumbers/"] = "gateway"
	only["ares.h"] = "gateway sip xmpp"
}

function folder(path, part) {
	if (path ~ /^gateway\/base\//)
		return "base"
	split(path, part, "/")
	return part[1]
}

function tell(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}

FNR == 1 && !/SPDX-License-Identifier: AGPL-3.0-or-later/ { tell("no SPDX line") }

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	to = folder(quoted[2])
	from = folder(FILENAME)
	if (!(to in may))
		tell("\"" quoted[2] "\" is not written from the root")
	else if (!index(" " may[from] " ", " " to " "))
		tell(from " may not include " to)
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, angled, /[<>]/)
	from = folder(FILENAME)
	for (lib in only) {
		if (index(angled[2], lib) != 1 || from == "tests")
			continue
		if (FILENAME ~ /\.h$/)
			tell("<" angled[2] "> in a header")
		else if (!index(" " only[lib] " ", " " from " "))
			tell("<" angled[2] "> belongs to " only[lib])
	}
}

END { exit bad }
