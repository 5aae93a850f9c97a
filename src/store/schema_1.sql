-- Every table's key begins with the tenant. Times named _ms are UTC since 1970, but for lease_until_ms and
-- pause_until_ms: those are the steady clock of the process named in lease_boot, and mean nothing to the next one.
-- A job's id begins with the time of its creation, so that the order of ids is the order of creation.

CREATE TABLE tenants(
	tenant_id INTEGER PRIMARY KEY CHECK(tenant_id > 0),
	name TEXT NOT NULL UNIQUE,
	is_suspended INTEGER NOT NULL,
	weight INTEGER NOT NULL CHECK(weight BETWEEN 1 AND 1000),
	threat INTEGER NOT NULL,
	boundary_min TEXT NOT NULL,
	max_queued INTEGER NOT NULL,
	max_running INTEGER NOT NULL,
	starts_per_s INTEGER NOT NULL,
	requests_per_s INTEGER NOT NULL,
	cpu_ms_per_day INTEGER NOT NULL,
	blob_bytes INTEGER NOT NULL,
	retention_ms INTEGER NOT NULL,
	policy BLOB NOT NULL,
	created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE keys(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	public TEXT NOT NULL,
	secret BLOB NOT NULL CHECK(length(secret) = 32),
	name TEXT NOT NULL,
	scopes INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	is_revoked INTEGER NOT NULL,
	PRIMARY KEY(tenant_id, public)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX keys_public ON keys(public);

-- Counters that admission reads and changes in the transaction of the insert. They agree with the rows at every commit.
CREATE TABLE usage(
	tenant_id INTEGER PRIMARY KEY REFERENCES tenants,
	queued INTEGER NOT NULL DEFAULT 0 CHECK(queued >= 0),
	running INTEGER NOT NULL DEFAULT 0 CHECK(running >= 0),
	created INTEGER NOT NULL DEFAULT 0,
	cpu_day INTEGER NOT NULL DEFAULT 0,
	cpu_us_day INTEGER NOT NULL DEFAULT 0,
	cpu_us INTEGER NOT NULL DEFAULT 0,
	wall_us INTEGER NOT NULL DEFAULT 0,
	blobs INTEGER NOT NULL DEFAULT 0 CHECK(blobs >= 0),
	blob_bytes INTEGER NOT NULL DEFAULT 0 CHECK(blob_bytes >= 0)
) STRICT;

CREATE TABLE endings(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY(tenant_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	job_id BLOB NOT NULL CHECK(length(job_id) = 16),
	state INTEGER NOT NULL,
	version INTEGER NOT NULL,
	fence INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	max_attempts INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	cancel_asked INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	deadline_ms INTEGER NOT NULL,
	ttl_ms INTEGER NOT NULL,
	purge_ms INTEGER NOT NULL,
	lease_boot BLOB,
	lease_until_ms INTEGER NOT NULL,
	pause_until_ms INTEGER NOT NULL,
	name TEXT NOT NULL,
	runtime TEXT NOT NULL,
	boundary TEXT NOT NULL,
	class TEXT NOT NULL,
	webhook TEXT,
	PRIMARY KEY(tenant_id, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_state ON jobs(tenant_id, state, job_id);
CREATE INDEX jobs_runtime ON jobs(tenant_id, runtime, job_id);
CREATE INDEX jobs_lease ON jobs(lease_until_ms) WHERE lease_until_ms > 0;
CREATE INDEX jobs_pause ON jobs(pause_until_ms) WHERE pause_until_ms > 0;
CREATE INDEX jobs_deadline ON jobs(deadline_ms) WHERE state = 0 AND deadline_ms > 0;
CREATE INDEX jobs_purge ON jobs(purge_ms) WHERE purge_ms > 0;

-- The jobs that may be leased now, in the order of their turn inside a tenant.
CREATE TABLE queue(
	tenant_id INTEGER NOT NULL,
	class TEXT NOT NULL,
	score INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	PRIMARY KEY(tenant_id, class, score, job_id)
) STRICT, WITHOUT ROWID;

-- Rowid tables: long rows would make a key's pages hold few keys.
CREATE TABLE documents(
	tenant_id INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	document BLOB NOT NULL,
	PRIMARY KEY(tenant_id, job_id),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
) STRICT;

-- The key is the guard: a job has one result.
CREATE TABLE results(
	tenant_id INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	fence INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	state INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	exit_code INTEGER NOT NULL,
	signal INTEGER NOT NULL,
	cpu_us INTEGER NOT NULL,
	wall_us INTEGER NOT NULL,
	out_bytes INTEGER NOT NULL,
	err_bytes INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	digest BLOB NOT NULL,
	document BLOB NOT NULL,
	PRIMARY KEY(tenant_id, job_id),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
) STRICT;

CREATE TABLE attempts(
	tenant_id INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	fence INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	leased_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	why TEXT NOT NULL,
	PRIMARY KEY(tenant_id, job_id, fence),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE labels(
	tenant_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	job_id BLOB NOT NULL,
	PRIMARY KEY(tenant_id, name, value, job_id),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX labels_job ON labels(tenant_id, job_id, name);

CREATE TABLE events(
	tenant_id INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	seq INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	kind TEXT NOT NULL,
	state INTEGER NOT NULL,
	document BLOB NOT NULL,
	PRIMARY KEY(tenant_id, job_id, seq),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Outlives its job when that is purged early: the key must not make a second one.
CREATE TABLE idem(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	key TEXT NOT NULL,
	digest BLOB NOT NULL,
	job_id BLOB NOT NULL,
	keep_until_ms INTEGER NOT NULL,
	PRIMARY KEY(tenant_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idem_keep ON idem(keep_until_ms);

-- What is to be told to others about a job's end: written in the transaction of the end.
CREATE TABLE outbox(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	job_id BLOB NOT NULL,
	kind TEXT NOT NULL,
	target TEXT NOT NULL,
	next_ms INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	PRIMARY KEY(tenant_id, job_id, kind)
) STRICT, WITHOUT ROWID;

-- keep_until_ms is 0 while a job refers to it.
CREATE TABLE blobs(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	digest BLOB NOT NULL CHECK(length(digest) = 32),
	file BLOB NOT NULL,
	bytes INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	keep_until_ms INTEGER NOT NULL,
	PRIMARY KEY(tenant_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_keep ON blobs(keep_until_ms) WHERE keep_until_ms > 0;

-- Which blobs a job needs (is_input, without a name) or made. A blob with a row here stays.
CREATE TABLE artifacts(
	tenant_id INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	is_input INTEGER NOT NULL,
	name TEXT NOT NULL,
	digest BLOB NOT NULL,
	PRIMARY KEY(tenant_id, job_id, is_input, name, digest),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE,
	FOREIGN KEY(tenant_id, digest) REFERENCES blobs
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_digest ON artifacts(tenant_id, digest);

CREATE TABLE trash(
	tenant_id INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	file BLOB NOT NULL,
	PRIMARY KEY(tenant_id, kind, file)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	seq INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail BLOB NOT NULL,
	before BLOB NOT NULL,
	digest BLOB NOT NULL,
	PRIMARY KEY(tenant_id, seq)
) STRICT, WITHOUT ROWID;
