-- Whether a command was done before is asked of its key. Keys are drawn in the order of time: of a tree,
-- all who ask now read the one page that all who write now write to, and each undoes the other
-- (SERIALIZABLE). A hash scatters them. That a key stands once is still the tree's to see to.
CREATE INDEX audit_log_key_asked ON audit_log USING hash (key);
