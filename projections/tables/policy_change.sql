CREATE TABLE policy_change_r1 (
  gem TEXT NOT NULL,
  id BIGINT NOT NULL,          -- the revision in policy/<gem> that declared it
  kind TEXT,                   -- rule_changed, owner_added, owner_removed, publisher_added
  subject TEXT,                -- the rule, the owner, or the publisher's id
  setting TEXT,                -- what the rule is set to
  declared_at BIGINT,
  effective_at BIGINT,         -- as declared; of one rule, the newest declaration counts
  cancelled_at BIGINT,
  overridden_at BIGINT,        -- took effect then, by the word of two
  removed_at BIGINT,           -- of a publisher: gone then, and where that is before effective_at, it never took effect
  PRIMARY KEY (gem, id)
);
