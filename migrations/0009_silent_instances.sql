-- A walk through all activations, a few thousand every ten minutes, for instances that are not heard of any more.
CREATE TABLE silence_walk (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  -- The key of the activation that was looked at last; before all of them where the walk begins.
  license_id  TEXT NOT NULL,
  ended_at    INTEGER NOT NULL,
  instance_id TEXT NOT NULL,
  -- The instances that were silent longest: a few pairs [license_id, instance_id].
  found       TEXT NOT NULL CHECK (json_type(found) = 'array')
) STRICT;

INSERT INTO silence_walk VALUES (1, '', -1, '', '[]');
