-- subject_at: when somebody was linked to their account at the OpenID provider; empty for links older
-- than this column. by_provider: the provider vouched for them when the session began.
ALTER TABLE person ADD COLUMN subject_at bigint;
ALTER TABLE session ADD COLUMN by_provider boolean NOT NULL DEFAULT FALSE;
