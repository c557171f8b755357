-- oldest: 1
-- Times are microseconds since 1970, UTC. 0 stands for "none" in every number,
-- so that the partial indexes below can be steered by plain comparisons.

-- One row. The epoch is that of threads made from now on; it rises with every thread
-- that is deleted and with every restore, so that no position ever means two things. The
-- fence is where new threads begin: above that of any deleted one, as it may come again.
CREATE TABLE meta (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    epoch      INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL
);

-- A thread's row is its lease. The columns from last_seq on are those of the log's end,
-- and may lag behind it: an append that changes nothing else leaves the row alone, and who
-- reads it takes in the entries after last_seq. A claim always writes the row.
CREATE TABLE threads (
    k           INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    owner       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    first_seq   INTEGER NOT NULL,
    front       INTEGER NOT NULL, -- number of the oldest run that is kept
    prune_at    INTEGER NOT NULL, -- when the oldest run ended; 0: it has not
    runs        INTEGER NOT NULL, -- number of the latest run
    head        INTEGER NOT NULL, -- number of the run whose turn it is
    status      INTEGER NOT NULL, -- the head's: queued, running or waiting
    agent       TEXT    NOT NULL, -- the head's
    queued      INTEGER NOT NULL, -- runs behind the head
    asks        INTEGER NOT NULL, -- rows in asks
    strikes     INTEGER NOT NULL, -- takeovers of the head with nothing new recorded
    fence       INTEGER NOT NULL,
    node        INTEGER NOT NULL, -- who holds it
    died        INTEGER NOT NULL, -- 1: its node died with it, and nobody has taken it since
    runnable_at INTEGER NOT NULL, -- when it may be claimed
    inbox       INTEGER NOT NULL, -- 1: written to from outside while it was held
    last_seq    INTEGER NOT NULL, -- some entries behind the log, at most
    ack         INTEGER NOT NULL, -- the owner's last number in this claim
    ack_seq     INTEGER NOT NULL, -- and its position
    at          INTEGER NOT NULL  -- of the last entry
);
CREATE INDEX threads_owner ON threads (owner, k);
CREATE INDEX threads_due ON threads (agent, runnable_at, owner) WHERE node = 0 AND runnable_at > 0;
CREATE INDEX threads_held ON threads (node) WHERE node > 0;
CREATE INDEX threads_inbox ON threads (node) WHERE inbox = 1;
CREATE INDEX threads_prune ON threads (prune_at) WHERE prune_at > 0;

CREATE TABLE thread_notes (
    thread   INTEGER PRIMARY KEY REFERENCES threads (k) ON DELETE CASCADE,
    title    TEXT NOT NULL,
    metadata BLOB
);

-- Rows lie in the order of their commits, so that one batch of a thousand threads
-- fills few pages; the index gives each thread its own order.
CREATE TABLE log (
    thread  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    number  INTEGER NOT NULL, -- the owner's; 0: written from outside or by a claim
    n       INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    try     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind             NOT NULL, -- 1 message.added, 2 run.queued, … as kind.go has them; one that has no number by name
    path    TEXT    NOT NULL,
    data    BLOB,
    scope   TEXT, -- NULL like name where they can be told from the path, as they usually can
    name    TEXT,
    first   INTEGER -- NULL: seq
);
CREATE UNIQUE INDEX log_position ON log (thread, seq);
CREATE INDEX log_messages ON log (thread, seq) WHERE kind = 1;

-- A run's id here is the instant it was made, raised by one where two would meet:
-- it orders all runs, and serves as created_at.
CREATE TABLE runs (
    id          INTEGER PRIMARY KEY,
    thread      INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    status      INTEGER NOT NULL, -- 0 queued, 1 running, 2 waiting, 3 completed, 4 failed, 5 cancelled
    attempt     INTEGER NOT NULL,
    cancelling  INTEGER NOT NULL DEFAULT 0, -- 1: cancel.requested is in the log
    first_seq   INTEGER NOT NULL,
    input_seq   INTEGER NOT NULL, -- the thread's last entry when it first started
    last_seq    INTEGER NOT NULL DEFAULT 0, -- once it has ended
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0,
    owner       TEXT    NOT NULL,
    agent       TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    key         TEXT    NOT NULL, -- its Idempotency-Key
    input       BLOB,
    result      BLOB,
    error       BLOB
);
CREATE UNIQUE INDEX runs_thread ON runs (thread, n);
CREATE INDEX runs_live ON runs (thread, n) WHERE status < 3;
CREATE INDEX runs_unwell ON runs (status, id) WHERE status > 3;
CREATE INDEX runs_agent ON runs (agent, id);
CREATE INDEX runs_owner ON runs (owner, id);

CREATE TABLE keys (
    thread INTEGER NOT NULL REFERENCES threads (k) ON DELETE CASCADE,
    key    TEXT    NOT NULL,
    hash   TEXT    NOT NULL,
    run    INTEGER NOT NULL,
    PRIMARY KEY (thread, key)
) WITHOUT ROWID;

-- Open questions. Those of a failed run stay, because a retry asks them still.
CREATE TABLE asks (
    thread INTEGER NOT NULL REFERENCES threads (k) ON DELETE CASCADE,
    run    INTEGER NOT NULL,
    path   TEXT    NOT NULL,
    scope  TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (thread, run, path)
) WITHOUT ROWID;

-- What nobody can see any more and is still to be deleted, a little at a time: entries of
-- the thread below a position, and its runs, where the thread itself is gone.
CREATE TABLE chaff (
    thread INTEGER PRIMARY KEY,
    below  INTEGER NOT NULL
);

CREATE TABLE nodes (
    k       INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    id      TEXT    NOT NULL UNIQUE,
    beat    INTEGER NOT NULL,
    address TEXT    NOT NULL,
    version TEXT    NOT NULL
);

CREATE TABLE paused (
    agent TEXT PRIMARY KEY
) WITHOUT ROWID;
