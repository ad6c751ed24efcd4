-- An operation's turn is its id's: by owner alone, each look went past all that the owner has run since the last vacuum.
DROP INDEX operation_running;
CREATE INDEX operation_running ON operation(owner, id) WHERE state = 'running';
