-- What jobs did that honest ones do not, what was made of it, and why a tenant may not go on.

ALTER TABLE tenants ADD COLUMN suspended_why TEXT NOT NULL DEFAULT '';

-- One row for each kind a job showed, however often.
CREATE TABLE signals(
	tenant_id INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	kind TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	weight INTEGER NOT NULL,
	n INTEGER NOT NULL,
	evidence BLOB NOT NULL,
	PRIMARY KEY(tenant_id, job_id, kind),
	FOREIGN KEY(tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX signals_at ON signals(at_ms, tenant_id, kind, weight, n);

-- Outlives its job. alert_id rises over all tenants: it is the place in the stream.
CREATE TABLE alerts(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	alert_id INTEGER NOT NULL CHECK(alert_id > 0),
	at_ms INTEGER NOT NULL,
	job_id BLOB NOT NULL,
	level INTEGER NOT NULL,
	score INTEGER NOT NULL,
	action INTEGER NOT NULL,
	title TEXT NOT NULL,
	evidence BLOB NOT NULL,
	acked_ms INTEGER NOT NULL,
	acked_by TEXT NOT NULL,
	PRIMARY KEY(tenant_id, alert_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_all ON alerts(alert_id);

-- Refused calls by number, an hour a row.
CREATE TABLE refusals(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	hour INTEGER NOT NULL,
	nr INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY(tenant_id, hour, nr)
) STRICT, WITHOUT ROWID;
