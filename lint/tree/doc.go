// Package tree walks source trees the way git sees them.
//
// Its rules: .gitignore files count, nested ones as well; hidden folders, caches,
// virtual environments and vendored code are left out; symbolic links are never
// followed. It reads names and sizes and nothing else but .gitignore.
//
// Failures: a folder that cannot be read and a link are named as skipped, and the
// walk goes on. Walk returns an error only when its start is not there or the
// context ends.
package tree
