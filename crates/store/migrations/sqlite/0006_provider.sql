-- subject_at: when somebody was linked to their account at the OpenID provider; empty for links older
-- than this column. by_provider: the provider vouched for them when the session began.
ALTER TABLE person ADD COLUMN subject_at INTEGER;
ALTER TABLE session ADD COLUMN by_provider INTEGER NOT NULL DEFAULT FALSE;
