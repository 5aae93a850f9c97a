-- Who is told of what by HTTP. The secret signs, so it is kept as it is.
CREATE TABLE hooks(
	tenant_id INTEGER NOT NULL REFERENCES tenants,
	hook_id BLOB NOT NULL CHECK(length(hook_id) = 16),
	url TEXT NOT NULL,
	events INTEGER NOT NULL,
	of_all INTEGER NOT NULL,
	secret BLOB NOT NULL CHECK(length(secret) = 32),
	created_ms INTEGER NOT NULL,
	pending INTEGER NOT NULL DEFAULT 0,
	dropped INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY(tenant_id, hook_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hooks_all ON hooks(of_all) WHERE of_all > 0;

-- Written in the transaction of what they tell of; next_ms is 0 when nothing is tried any more.
CREATE TABLE deliveries(
	tenant_id INTEGER NOT NULL,
	hook_id BLOB NOT NULL,
	delivery_id BLOB NOT NULL CHECK(length(delivery_id) = 16),
	kind TEXT NOT NULL,
	body BLOB NOT NULL,
	created_ms INTEGER NOT NULL,
	next_ms INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	status INTEGER NOT NULL,
	why TEXT NOT NULL,
	PRIMARY KEY(tenant_id, hook_id, delivery_id),
	FOREIGN KEY(tenant_id, hook_id) REFERENCES hooks ON DELETE CASCADE
) STRICT;
CREATE INDEX deliveries_due ON deliveries(next_ms) WHERE next_ms > 0;
CREATE INDEX deliveries_old ON deliveries(ended_ms) WHERE next_ms = 0;
