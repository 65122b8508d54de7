-- What witnesses answered. Disposable: whatever is lost here, they are asked again.
CREATE TABLE cosignature (
  witness TEXT NOT NULL PRIMARY KEY,  -- its verification key
  size INTEGER NOT NULL,              -- of the tree it cosigned last
  root BLOB NOT NULL CHECK (length(root) = 32),
  line TEXT NOT NULL                  -- the signature line, with its time
);

-- The newest checkpoint that enough of them cosigned, as a note with their lines.
CREATE TABLE cosigned_checkpoint (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  note TEXT NOT NULL
);
