// Package pysession finds SQLAlchemy sessions that outlive their scope, in Python.
//
// Its duty: the shapes of all files are read by the machine's own python3 (its
// ast is exact for its version), and resolved here: what a name is comes from
// annotations, from what it was assigned from, and from calls through the whole
// project by import. The bare word "session" proves nothing; HTTP sessions, login
// sessions and factories are not database sessions.
//
// Its rules: silent when unsure. An object that ends the session itself, or that
// was made for it and does not leave the function, may hold it. One finding a flow.
//
// Failures: a file that python3 cannot parse is skipped with the reason. Check
// returns an error when python3 is missing (ErrNoPython), dies, or the context ends.
package pysession
