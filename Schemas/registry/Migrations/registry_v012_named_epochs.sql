-- A hello takes effect on the epoch that it names, and no other one: who was granted an epoch before is nobody's concern.
DROP TABLE granted_nonce;
