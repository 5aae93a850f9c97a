-- What nobody has acknowledged is counted, and a day's refused calls are added up, without a look at the rest.
CREATE INDEX alerts_open ON alerts(level, tenant_id, acked_ms) WHERE acked_ms = 0;
CREATE INDEX refusals_at ON refusals(hour, tenant_id, nr, n);
-- Jobs of all tenants, newest first: who runs the service lists them.
CREATE INDEX jobs_all ON jobs(job_id);
