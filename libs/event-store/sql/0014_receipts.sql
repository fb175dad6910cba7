-- A receipt is committed asynchronously, so a crash may take one back that was already answered. An append of what it counted that was sent
-- before the crash and arrives after it would then count outcomes of something never received. So a receipt names the server's run, and
-- what is counted under it is refused (MR015) once that run has ended in a crash; the caller counts a new receipt and sends again.

-- Its one row is gone exactly when receipts may be: an unlogged table is emptied by crash recovery and kept by an orderly shutdown, which
-- writes asynchronous commits out.
CREATE UNLOGGED TABLE millrace.server_run (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
REVOKE ALL ON millrace.server_run FROM PUBLIC;

DROP FUNCTION millrace.record_receipts(jsonb);
-- Counts events as received, with asynchronous commit, and names the run of the server it did so in.
CREATE FUNCTION millrace.record_receipts(p_receipts jsonb, OUT run uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM millrace.assert_append_grant(NULL);
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO millrace.intake_count (tenant, source, outcome, n)
    SELECT r.tenant, r.source, 'received', r.n FROM jsonb_to_recordset(p_receipts) AS r(tenant text, source text, n bigint);
  SELECT s.id INTO run FROM millrace.server_run s;
  IF run IS NULL THEN
    INSERT INTO millrace.server_run DEFAULT VALUES ON CONFLICT DO NOTHING;
    SELECT s.id INTO STRICT run FROM millrace.server_run s;
  END IF;
END $$;

-- True while every receipt of that run stands; raises MR015 when it may be lost. Named in the statement that counts outcomes, so that these
-- are written with it or not at all.
CREATE FUNCTION millrace.receipts_stand(p_run uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM millrace.server_run s WHERE s.id = p_run) THEN
    RAISE EXCEPTION 'receipt-lost' USING ERRCODE = 'MR015';
  END IF;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION millrace.record_receipts(jsonb), millrace.receipts_stand(uuid) FROM PUBLIC;
