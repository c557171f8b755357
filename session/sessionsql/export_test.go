package sessionsql

// Sources is how many databases the package knows.
func Sources() int {
	n := 0
	sources.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}
