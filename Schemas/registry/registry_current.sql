CREATE EXTENSION btree_gist;

CREATE TABLE api_token (
    token_hash bytea NOT NULL,
    role text NOT NULL,
    label text NOT NULL,
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint,
    revoked_at_ms bigint,
    CONSTRAINT api_token_pkey PRIMARY KEY (token_hash),
    CONSTRAINT api_token_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'auditor'::text]))),
    CONSTRAINT api_token_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

CREATE TABLE audit_event (
    event_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    at_ms bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    detail text NOT NULL,
    CONSTRAINT audit_event_pkey PRIMARY KEY (event_id)
);

CREATE TABLE authorized_key (
    key bytea NOT NULL,
    "position" bigint NOT NULL,
    holder bytea NOT NULL,
    service daterange,
    amount_fen bigint NOT NULL,
    guarded boolean NOT NULL,
    CONSTRAINT authorized_key_amount_fen_check CHECK ((amount_fen >= 0)),
    CONSTRAINT authorized_key_no_overlap EXCLUDE USING gist (key WITH =, holder WITH <>, service WITH &&) WHERE ((guarded AND (service IS NOT NULL))),
    CONSTRAINT authorized_key_one_holder EXCLUDE USING gist (key WITH =, holder WITH <>) WHERE ((guarded AND (service IS NULL))),
    CONSTRAINT authorized_key_pkey PRIMARY KEY (key, "position")
);

CREATE TABLE authorized_sum (
    key bytea NOT NULL,
    total_fen bigint NOT NULL,
    capacity_fen bigint NOT NULL,
    CONSTRAINT authorized_sum_pkey PRIMARY KEY (key),
    CONSTRAINT authorized_sum_within CHECK (((total_fen >= 0) AND (total_fen <= capacity_fen)))
);

CREATE TABLE batch (
    batch_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    city_code integer NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    entry_bytes bigint NOT NULL,
    seal_body bytea NOT NULL,
    seal_signature bytea NOT NULL,
    receipt_body bytea NOT NULL,
    receipt_signature bytea NOT NULL,
    received_at_ms bigint NOT NULL,
    folded boolean NOT NULL DEFAULT false,
    CONSTRAINT batch_check CHECK ((last_sequence >= first_sequence)),
    CONSTRAINT batch_pkey PRIMARY KEY (batch_id)
);

CREATE TABLE case_event (
    case_id text NOT NULL,
    "position" bigint NOT NULL,
    kind smallint NOT NULL,
    city_code integer,
    answer smallint,
    code smallint,
    operator text NOT NULL,
    text text NOT NULL,
    CONSTRAINT case_event_pkey PRIMARY KEY (case_id, "position", kind)
);

CREATE TABLE city (
    city_code integer NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    public_key bytea,
    granted_epoch bytea,
    process_nonce bytea,
    log_epoch bytea,
    log_sequence bigint NOT NULL DEFAULT 0,
    log_hash bytea NOT NULL,
    log_time bigint NOT NULL DEFAULT 0,
    watermark bigint NOT NULL DEFAULT 0,
    CONSTRAINT city_city_code_check CHECK (((city_code >= 0) AND (city_code <= 999999))),
    CONSTRAINT city_granted_epoch_check CHECK ((octet_length(granted_epoch) = 16)),
    CONSTRAINT city_log_epoch_check CHECK ((octet_length(log_epoch) = 16)),
    CONSTRAINT city_log_hash_check CHECK ((octet_length(log_hash) = 32)),
    CONSTRAINT city_log_sequence_check CHECK ((log_sequence >= 0)),
    CONSTRAINT city_pkey PRIMARY KEY (city_code),
    CONSTRAINT city_process_nonce_check CHECK ((octet_length(process_nonce) = 16)),
    CONSTRAINT city_public_key_check CHECK ((octet_length(public_key) = 32)),
    CONSTRAINT city_status_check CHECK ((status = ANY (ARRAY['enrolled'::text, 'active'::text, 'suspended'::text])))
);

CREATE TABLE city_contact (
    city_code integer NOT NULL,
    feed_applied bigint NOT NULL,
    last_contact_ms bigint NOT NULL,
    CONSTRAINT city_contact_pkey PRIMARY KEY (city_code)
);

CREATE TABLE city_report (
    city_code integer NOT NULL,
    log_sequence bigint NOT NULL,
    seal_body bytea NOT NULL,
    seal_signature bytea NOT NULL,
    received_at_ms bigint NOT NULL,
    CONSTRAINT city_report_pkey PRIMARY KEY (city_code)
);

CREATE TABLE claim (
    "position" bigint NOT NULL,
    city_code integer NOT NULL,
    sequence bigint NOT NULL,
    claim_no text COLLATE "C" NOT NULL,
    state smallint NOT NULL,
    policy_version integer NOT NULL,
    voucher_no text COLLATE "C" NOT NULL,
    enterprise_uscc text COLLATE "C" NOT NULL,
    provider_uscc text COLLATE "C" NOT NULL,
    contract_no text COLLATE "C" NOT NULL,
    claimed_fen bigint NOT NULL,
    service_from date NOT NULL,
    service_until date NOT NULL,
    case_id text,
    reasons bytea NOT NULL,
    withdrawn_position bigint,
    programme text COLLATE "C" NOT NULL DEFAULT ''::text,
    received_at_ms bigint NOT NULL DEFAULT 0,
    traces bigint[] NOT NULL DEFAULT '{}'::bigint[],
    resource_class text COLLATE "C",
    price_class bigint,
    filed_at_ms bigint NOT NULL,
    CONSTRAINT claim_check CHECK ((service_until > service_from)),
    CONSTRAINT claim_claimed_fen_check CHECK ((claimed_fen > 0)),
    CONSTRAINT claim_number_once UNIQUE (city_code, claim_no),
    CONSTRAINT claim_pkey PRIMARY KEY ("position"),
    CONSTRAINT claim_state CHECK ((state = ANY (ARRAY[2, 3, 4, 6, 10, 11, 12])))
);

CREATE TABLE claim_key (
    key bytea NOT NULL,
    "position" bigint NOT NULL,
    live boolean NOT NULL,
    exclusive boolean NOT NULL,
    holder bytea NOT NULL,
    cofunding_group text COLLATE "C" NOT NULL,
    item bytea NOT NULL,
    amount_fen bigint NOT NULL,
    capacity_fen bigint NOT NULL,
    service_from date,
    service_until date,
    CONSTRAINT claim_key_amount_fen_check CHECK ((amount_fen >= 0)),
    CONSTRAINT claim_key_capacity_fen_check CHECK ((capacity_fen >= 0))
);

CREATE TABLE company (
    uscc text COLLATE "C" NOT NULL,
    "position" bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    head_office text COLLATE "C",
    legal_representative bytea,
    controller bytea,
    address bytea,
    phone bytea,
    bank_account bytea,
    CONSTRAINT company_pkey PRIMARY KEY (uscc)
);

CREATE TABLE conflict_case (
    case_id text NOT NULL,
    "position" bigint NOT NULL,
    rules text[] NOT NULL,
    state text NOT NULL,
    deadline date NOT NULL DEFAULT '1970-01-01'::date,
    is_appealed boolean NOT NULL DEFAULT false,
    proposal bytea NOT NULL DEFAULT '\x'::bytea,
    stands_alone boolean NOT NULL DEFAULT false,
    automatic_dwell_seconds bigint,
    contested boolean NOT NULL DEFAULT false,
    CONSTRAINT conflict_case_pkey PRIMARY KEY (case_id),
    CONSTRAINT conflict_case_position_key UNIQUE ("position"),
    CONSTRAINT conflict_case_state CHECK ((state = ANY (ARRAY['open'::text, 'escalated'::text, 'closed'::text])))
);

CREATE TABLE conflict_case_claim (
    case_id text NOT NULL,
    city_code integer NOT NULL,
    claim_no text COLLATE "C" NOT NULL,
    place integer NOT NULL DEFAULT 0,
    live boolean NOT NULL DEFAULT true,
    CONSTRAINT conflict_case_claim_pkey PRIMARY KEY (case_id, city_code, claim_no)
);

CREATE TABLE entry (
    city_code integer NOT NULL,
    sequence bigint NOT NULL,
    entry_id bytea,
    kind integer NOT NULL,
    hash bytea NOT NULL,
    bytes bytea NOT NULL,
    fault text,
    CONSTRAINT entry_entry_id_check CHECK ((octet_length(entry_id) = 16)),
    CONSTRAINT entry_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT entry_id_once UNIQUE (entry_id),
    CONSTRAINT entry_pkey PRIMARY KEY (city_code, sequence),
    CONSTRAINT entry_sequence_check CHECK ((sequence > 0))
);

CREATE TABLE feed (
    "position" bigint NOT NULL,
    city_code integer NOT NULL,
    sequence bigint NOT NULL,
    decision smallint NOT NULL,
    hash bytea NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT feed_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT feed_pkey PRIMARY KEY ("position"),
    CONSTRAINT feed_position_check CHECK (("position" > 0))
);

CREATE TABLE finding (
    "position" bigint NOT NULL,
    rule text NOT NULL,
    outcome text NOT NULL,
    key bytea,
    blocking_city integer NOT NULL,
    blocking_claim_no text COLLATE "C" NOT NULL,
    CONSTRAINT finding_outcome_check CHECK ((outcome = ANY (ARRAY['block'::text, 'hold'::text, 'flag'::text])))
);

CREATE TABLE fold_cursor (
    city_code integer NOT NULL,
    folded_sequence bigint NOT NULL,
    CONSTRAINT fold_cursor_folded_sequence_check CHECK ((folded_sequence > 0)),
    CONSTRAINT fold_cursor_pkey PRIMARY KEY (city_code)
);

CREATE TABLE join_token (
    secret_hash bytea NOT NULL,
    city_code integer NOT NULL,
    expires_at_ms bigint NOT NULL,
    used_at_ms bigint,
    CONSTRAINT join_token_pkey PRIMARY KEY (secret_hash),
    CONSTRAINT join_token_secret_hash_check CHECK ((octet_length(secret_hash) = 32))
);

CREATE TABLE member (
    city_code integer NOT NULL,
    active boolean NOT NULL,
    watermark_ms bigint NOT NULL,
    feed_position bigint NOT NULL,
    unsupported_since_ms bigint,
    CONSTRAINT member_pkey PRIMARY KEY (city_code)
);

CREATE TABLE payment (
    claim_position bigint NOT NULL,
    city_code integer NOT NULL,
    claim_no text COLLATE "C" NOT NULL,
    requested_position bigint NOT NULL,
    stage smallint NOT NULL,
    authorized_position bigint,
    reference bytea,
    amount_fen bigint,
    witness_cities bigint,
    bank_transaction text NOT NULL,
    refunded_fen bigint NOT NULL,
    refunds text NOT NULL,
    clawback_fen bigint NOT NULL,
    generation integer NOT NULL,
    barred_by text COLLATE "C" NOT NULL,
    CONSTRAINT payment_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT payment_clawback_fen_check CHECK ((clawback_fen >= 0)),
    CONSTRAINT payment_generation_check CHECK ((generation >= 0)),
    CONSTRAINT payment_pkey PRIMARY KEY (claim_position),
    CONSTRAINT payment_reference_check CHECK ((octet_length(reference) = 16)),
    CONSTRAINT payment_reference_once UNIQUE (reference),
    CONSTRAINT payment_refund_within CHECK ((refunded_fen <= COALESCE(amount_fen, (0)::bigint))),
    CONSTRAINT payment_refunded_fen_check CHECK ((refunded_fen >= 0)),
    CONSTRAINT payment_stage_check CHECK (((stage >= 1) AND (stage <= 7))),
    CONSTRAINT payment_whole CHECK ((((authorized_position IS NULL) = (reference IS NULL)) AND ((reference IS NULL) = (amount_fen IS NULL)) AND ((stage = 1) = (reference IS NULL))))
);

CREATE TABLE policy (
    version integer NOT NULL,
    "position" bigint NOT NULL,
    document bytea NOT NULL,
    dwell_seconds bigint NOT NULL DEFAULT 259200,
    witness_cities bigint NOT NULL DEFAULT 1,
    from_position bigint,
    from_date date,
    CONSTRAINT policy_dwell_seconds_check CHECK ((dwell_seconds >= 0)),
    CONSTRAINT policy_pkey PRIMARY KEY (version),
    CONSTRAINT policy_version_check CHECK ((version > 0)),
    CONSTRAINT policy_witness_cities_check CHECK ((witness_cities >= 0))
);

CREATE TABLE price_class (
    resource_class text COLLATE "C" NOT NULL,
    price_class bigint NOT NULL,
    claims bigint NOT NULL,
    CONSTRAINT price_class_claims_check CHECK ((claims >= 0)),
    CONSTRAINT price_class_pkey PRIMARY KEY (resource_class, price_class)
);

CREATE TABLE provider (
    uscc text COLLATE "C" NOT NULL,
    "position" bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    listed_from date NOT NULL,
    listed_until date,
    state_run boolean NOT NULL,
    CONSTRAINT provider_pkey PRIMARY KEY (uscc)
);

CREATE TABLE red_letter (
    key bytea NOT NULL,
    number text COLLATE "C" NOT NULL,
    city_code integer NOT NULL,
    "position" bigint NOT NULL,
    amount_fen bigint NOT NULL,
    CONSTRAINT red_letter_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT red_letter_pkey PRIMARY KEY (key, number, city_code)
);

CREATE TABLE registry (
    only_row boolean NOT NULL DEFAULT true,
    incarnation integer NOT NULL,
    feed_position bigint NOT NULL,
    feed_hash bytea NOT NULL,
    signing_key bytea NOT NULL,
    secrets_digest bytea NOT NULL,
    advertised_url text,
    trust_anchor bytea,
    CONSTRAINT registry_feed_hash_check CHECK ((octet_length(feed_hash) = 32)),
    CONSTRAINT registry_feed_position_check CHECK ((feed_position >= 0)),
    CONSTRAINT registry_incarnation_check CHECK ((incarnation > 0)),
    CONSTRAINT registry_only_row_check CHECK (only_row),
    CONSTRAINT registry_pkey PRIMARY KEY (only_row),
    CONSTRAINT registry_secrets_digest_check CHECK ((octet_length(secrets_digest) = 32)),
    CONSTRAINT registry_signing_key_check CHECK ((octet_length(signing_key) = 32))
);

CREATE TABLE tick (
    "position" bigint NOT NULL,
    elapsed_ms bigint NOT NULL,
    CONSTRAINT tick_elapsed_ms_check CHECK ((elapsed_ms >= 0)),
    CONSTRAINT tick_pkey PRIMARY KEY ("position")
);

CREATE TABLE trace (
    key bigint NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT trace_pkey PRIMARY KEY (key, "position")
);

CREATE TABLE voucher (
    key bytea NOT NULL,
    "position" bigint NOT NULL,
    city_code integer NOT NULL,
    voucher_no text COLLATE "C" NOT NULL,
    programme text NOT NULL,
    enterprise_uscc text COLLATE "C" NOT NULL,
    enterprise_name text NOT NULL,
    face_value_fen bigint NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    CONSTRAINT voucher_check CHECK ((valid_until > valid_from)),
    CONSTRAINT voucher_face_value_fen_check CHECK ((face_value_fen > 0)),
    CONSTRAINT voucher_pkey PRIMARY KEY (key)
);

ALTER TABLE batch ADD CONSTRAINT batch_city_code_fkey FOREIGN KEY (city_code) REFERENCES city(city_code);

ALTER TABLE city_contact ADD CONSTRAINT city_contact_city_code_fkey FOREIGN KEY (city_code) REFERENCES city(city_code);

ALTER TABLE city_report ADD CONSTRAINT city_report_city_code_fkey FOREIGN KEY (city_code) REFERENCES city(city_code);

ALTER TABLE conflict_case_claim ADD CONSTRAINT conflict_case_claim_case_id_fkey FOREIGN KEY (case_id) REFERENCES conflict_case(case_id);

ALTER TABLE join_token ADD CONSTRAINT join_token_city_code_fkey FOREIGN KEY (city_code) REFERENCES city(city_code);

CREATE INDEX authorized_key_claim ON public.authorized_key USING btree ("position");

CREATE UNIQUE INDEX batch_of_entry ON public.batch USING btree (city_code, last_sequence);

CREATE INDEX batch_waiting ON public.batch USING btree (batch_id) WHERE (NOT folded);

CREATE INDEX claim_enterprise ON public.claim USING btree (enterprise_uscc);

CREATE INDEX claim_key_claim ON public.claim_key USING btree ("position");

CREATE INDEX claim_key_lookup ON public.claim_key USING btree (key, live);

CREATE UNIQUE INDEX claim_key_one_holder ON public.claim_key USING btree (key) WHERE (live AND exclusive);

CREATE INDEX claim_provider ON public.claim USING btree (provider_uscc);

CREATE INDEX company_account ON public.company USING btree (bank_account);

CREATE INDEX conflict_case_automatic ON public.conflict_case USING btree ("position") WHERE ((automatic_dwell_seconds IS NOT NULL) AND (state <> 'closed'::text));

CREATE INDEX conflict_case_claim_name ON public.conflict_case_claim USING btree (city_code, claim_no);

CREATE INDEX conflict_case_due ON public.conflict_case USING btree (deadline) WHERE (state = 'open'::text);

CREATE INDEX finding_claim ON public.finding USING btree ("position");

CREATE INDEX finding_rule ON public.finding USING btree (rule, key);

CREATE INDEX payment_waiting ON public.payment USING btree (stage) WHERE (stage = ANY (ARRAY[1, 2]));
