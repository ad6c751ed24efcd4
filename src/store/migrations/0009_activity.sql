-- How a node shares a backend's work with the others: active-active, owner or standby; NULL for releases before. unproven: why
-- its driver may not be used by several nodes at once, as that node sees it; NULL: it may.
ALTER TABLE service ADD COLUMN activity TEXT;
ALTER TABLE service ADD COLUMN unproven TEXT;
