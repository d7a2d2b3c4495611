-- A payment is stopped by cases, and each of them is to let it go: their ids, sorted, between spaces. What was stopped
-- before this was written down is stopped by every case that names its claim, until a ruling in each keeps the claim.
ALTER TABLE payment ADD COLUMN barred_by text COLLATE "C" NOT NULL DEFAULT '';
UPDATE payment AS p SET barred_by = coalesce((
    SELECT string_agg(c.case_id, ' ' ORDER BY c.case_id COLLATE "C") FROM conflict_case_claim AS c
    WHERE c.city_code = p.city_code AND c.claim_no = p.claim_no), '') WHERE p.barred;
ALTER TABLE payment DROP COLUMN barred;
ALTER TABLE payment ALTER COLUMN barred_by DROP DEFAULT;
