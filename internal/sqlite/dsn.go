package sqlite

import (
	"net/url"
	"slices"
	"strings"
)

// dsn is the driver's address of the file. SQLite reads it as a URI, so what means
// something in a URI is escaped: a path may hold spaces, '?', '#' and '%'. The mode is
// SQLite's: rwc makes a file that is not there, rw does not.
func dsn(path, mode string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "mode": {mode}}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + escapePath(path) + "?" + q.Encode()
}

const plainPath = "/-_.~"

func escapePath(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if isAlphanumeric(c) || strings.IndexByte(plainPath, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Both kinds of connection wait for a lock rather than fail at once, and keep
// sorting out of the file system.
var shared = []string{"busy_timeout(5000)", "temp_store(MEMORY)", "foreign_keys(1)"}

// writerPragmas: the cache holds the upper pages of the indexes of a busy server; the
// log is folded back every 16 MB, and a log that grew beyond 64 MB shrinks again.
func writerPragmas() []string {
	return append(slices.Clip(shared),
		"journal_mode(WAL)", "synchronous(FULL)", "cache_size(-32000)",
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)")
}

func readerPragmas() []string {
	return append(slices.Clip(shared), "query_only(1)", "cache_size(-4000)")
}
