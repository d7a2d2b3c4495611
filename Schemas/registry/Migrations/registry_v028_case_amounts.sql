-- What each claim of a case claims, beside it: the queue of open cases is sorted by money, and would look up every claim for it.
ALTER TABLE conflict_case_claim ADD COLUMN claimed_fen bigint;
UPDATE conflict_case_claim p SET claimed_fen = c.claimed_fen
FROM claim c WHERE c.city_code = p.city_code AND c.claim_no = p.claim_no;
ALTER TABLE conflict_case_claim ALTER COLUMN claimed_fen SET NOT NULL;
