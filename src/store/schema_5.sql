-- What a job wrote, when it is little, beside its result: NULL is in a file. All that is kept of its output, in bytes.
ALTER TABLE results ADD COLUMN small_out BLOB;
ALTER TABLE results ADD COLUMN small_err BLOB;
ALTER TABLE results ADD COLUMN small_mix BLOB;
ALTER TABLE results ADD COLUMN kept_bytes INTEGER NOT NULL DEFAULT 0 CHECK(kept_bytes >= 0);

-- What a job may have and is, for what its tenant may have at once.
ALTER TABLE jobs ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN is_session INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN kept_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0 CHECK(memory_bytes >= 0);
ALTER TABLE usage ADD COLUMN sessions INTEGER NOT NULL DEFAULT 0 CHECK(sessions >= 0);
ALTER TABLE usage ADD COLUMN output_bytes INTEGER NOT NULL DEFAULT 0 CHECK(output_bytes >= 0);

-- Where the chain begins: all rows up to this one went, the last of them had this digest.
ALTER TABLE tenants ADD COLUMN audit_keep_ms INTEGER NOT NULL DEFAULT 0;
CREATE TABLE checkpoints(
	tenant_id INTEGER PRIMARY KEY REFERENCES tenants,
	seq INTEGER NOT NULL CHECK(seq > 0),
	at_ms INTEGER NOT NULL,
	digest BLOB NOT NULL CHECK(length(digest) = 32)
) STRICT;
