/// Why a table or an index of the registry's schema is there: whoever adds one says it in ``catalogue``.
///
/// `federation-lab bench growth` prints it beside the bytes that each claim costs there. A test holds the list against
/// the schema, in both directions.
package struct RelationPurpose: Hashable, Sendable {
    package let name: String
    /// What would be missing without it.
    package let text: String
    /// Whether new rows fall anywhere in it, in no order: an index whose pages must be in memory for ingest to go on at
    /// its full speed. All others are written at one end, or at one place for each city, provider or day.
    package let isScattered: Bool

    private static func table(_ name: String, _ text: String) -> RelationPurpose {
        RelationPurpose(name: name, text: text, isScattered: false)
    }

    private static func index(_ name: String, _ text: String) -> RelationPurpose {
        RelationPurpose(name: name, text: text, isScattered: false)
    }

    private static func scattered(_ name: String, _ text: String) -> RelationPurpose {
        RelationPurpose(name: name, text: text, isScattered: true)
    }

    /// Every table, and behind it its indexes.
    package static let catalogue = Array(
        [logs, claims, findings, payments, cases, registers, sums, operation, recovery].joined())

    /// What nobody may lose: the entries as they were written, their seals, and the answers.
    private static let logs = [
        table("entry", "every log, byte for byte as its origin signed it: all else can be made again from it"),
        index("entry_pkey", "a log in its order, for the fold, the audit and a city that gets its log back"),
        scattered("entry_id_once", "an entry id is used once in the nation, whatever epoch or city says it"),
        table("batch", "each sealed batch with its seal and its receipt"),
        index("batch_pkey", "the order in which the fold takes batches"),
        index("batch_of_entry", "the seal, the receipt and the time of receipt that cover an entry"),
        index("batch_waiting", "what waits to be folded, without looking at what is"),
        table("feed", "the national feed, byte for byte as every city has it"),
        index("feed_pkey", "the feed behind a reader's cursor"),
        table("unread_entry", "entries that this build cannot read yet"),
        index("unread_entry_pkey", "the first of them in each log, which is decided first"),
        index("unread_entry_answered", "where each of them was answered"),
    ]

    /// What the fold looks claims up by, and what people look for them by.
    private static let claims = [
        table("claim", "every decided claim, with what detectors and people ask of it"),
        index("claim_pkey", "a claim by the position of its decision, and claims in that order"),
        index("claim_number_once", "a claim by its city and number, of which there is one"),
        scattered("claim_enterprise", "an enterprise's claims, in the order of pages"),
        index("claim_provider", "a provider's claims, in the order of pages"),
        index("claim_city", "a city's claims, in the order of pages: a small one's lie far apart"),
        scattered("claim_contract", "the claims on a contract number, whatever its parties"),
        scattered("claim_voucher", "the claims on a voucher"),
        scattered("claim_amount", "claims of a narrow range of amounts"),
        index("claim_state_other", "the newest claims that are not reserved, as most are"),
        table("claim_history", "what became of claims, so that a question as of any past position is answered"),
        index("claim_history_pkey", "a claim's state at a position"),
        index("claim_history_state", "claims that once stood in a state"),
        table("claim_key", "every key of every claim: who holds it, and what it adds to the sum there"),
        scattered("claim_key_lookup", "who holds a key, asked for every key of every claim that is filed"),
        scattered("claim_key_one_holder", "the second guard: the database itself lets one claim hold such a key"),
        index("claim_key_claim", "what a claim holds, to give it back"),
        table("trace", "under what detectors find the earlier claims that resemble a new one"),
        scattered("trace_pkey", "the newest claims under a trace, asked for every trace of every claim that is filed"),
        table("voucher", "every voucher: whose it is, what it is worth and when"),
        scattered("voucher_pkey", "the voucher that a claim names"),
        table("party_name", "every name that a company bore on a claim, with the first claim that has it"),
        scattered("party_name_pkey", "whether a name is known already, asked for every claim that is filed"),
        scattered("party_name_pairs", "companies by a part of a name: pairs of neighbouring characters"),
    ]

    private static let findings = [
        table("finding", "which claim stood in which one's way, under which rule and key"),
        index("finding_claim", "what was found in a claim"),
        index("finding_rule_position", "the newest claims that a rule found"),
        index("finding_duplicate", "the nation's duplicates, page by page"),
        index("finding_pair", "the duplicates of a pair of cities"),
        table("price_class", "how many claims paid a price of each class, for the detector of outliers"),
        index("price_class_pkey", "the prices of one kind of accelerator"),
    ]

    private static let payments = [
        table("payment", "how far the payment of each claim is"),
        index("payment_pkey", "the payment of a claim"),
        scattered("payment_reference_once", "one bank reference is one payment's"),
        index("payment_waiting", "payments that a tick may authorise or release"),
        table("authorized_key", "what authorised and paid claims hold: the second guard of the money"),
        scattered("authorized_key_pkey", "a claim stands under a key once, and who else does"),
        scattered("authorized_key_one_holder", "the database itself lets one holder be authorised under a key"),
        scattered("authorized_key_no_overlap", "the same where holders may follow each other in time"),
        index("authorized_key_claim", "what ends with an authorisation"),
        table("authorized_sum", "what is authorised under a key that has a cap, in one sum"),
        scattered("authorized_sum_pkey", "the sum under a key"),
        table("red_letter", "invoices that were reversed, in part or whole"),
        scattered("red_letter_pkey", "the reversals of an invoice, asked for every claim that is filed"),
        table("paid_twice", "claims with money out under one key: nothing, in a sound registry"),
        scattered("paid_twice_pkey", "each pair of claims once"),
        table("uncleared_payment", "payments that nobody authorised: nothing, in a sound registry"),
        index("uncleared_payment_pkey", "each claim once"),
        table("member", "the cities as the gates of payments see them"),
        index("member_pkey", "one row a city"),
        table("tick", "what the ticks add up to: the clock of dwells"),
        index("tick_pkey", "how long ago a position is"),
    ]

    private static let cases = [
        table("conflict_case", "where each case stands"),
        index("conflict_case_pkey", "a case by its spoken id"),
        index("conflict_case_position_key", "one position opens one case; the queue in its order"),
        index("conflict_case_due", "cases whose cities have had their time, asked before every tick"),
        index("conflict_case_automatic", "cases that the registry opened by itself and that wait for their dwell"),
        index("conflict_case_untold", "cases whose cities are still to be told something"),
        table("conflict_case_claim", "the claims of each case"),
        index("conflict_case_claim_pkey", "the claims of a case, each once"),
        index("conflict_case_claim_name", "the cases of a claim, asked for every payment"),
        table("case_event", "what happened in each case"),
        index("case_event_pkey", "the events of a case in their order"),
        index("case_event_ruling", "what operators ruled, in the order of the report: few of all events"),
    ]

    /// Lists that operators import or publish.
    private static let registers = [
        table("policy", "every published policy, byte for byte"),
        index("policy_pkey", "the policy that decided a claim"),
        table("company", "who is behind a company: the ownership file"),
        index("company_pkey", "a company by its code"),
        index("company_account", "companies that share a bank account"),
        table("provider", "the national list of compute providers"),
        index("provider_pkey", "a provider by its code"),
    ]

    /// What is kept added up with every decision, so that no page counts ten million claims.
    private static let sums = [
        table("claim_total", "claims and money by city, day and state"),
        index("claim_total_pkey", "the sum that a decision adds to"),
        table("received_day", "between which positions a day's claims stand"),
        index("received_day_pkey", "the days of a period"),
        table("rule_total", "claims and money by rule"),
        index("rule_total_pkey", "the sum that a finding adds to"),
        table("rule_pair_total", "claims and money by rule and pair of cities"),
        index("rule_pair_total_pkey", "the sum that a finding of a pair adds to"),
        table("cap_use", "vouchers used by half, and enterprises' years by a tenth, or more"),
        scattered("cap_use_pkey", "the sum that a claim under a cap adds to"),
        scattered("cap_use_voucher", "vouchers, the nearest to its limit first"),
        scattered("cap_use_year", "enterprises' years, the nearest to its limit first"),
    ]

    private static let operation = [
        table("registry", "the registry's one row: the end of its feed, its keys, whether it recovers"),
        index("registry_pkey", "that there is one row"),
        table("city", "each city's key, epoch and head of its log"),
        index("city_pkey", "the row that a push locks"),
        table("city_contact", "when each city was last heard, written apart from what pushes lock"),
        index("city_contact_pkey", "one row a city"),
        table("city_report", "the last seal of a city that had nothing to send"),
        index("city_report_pkey", "one row a city"),
        table("fold_cursor", "how far the fold has come in each log, apart from what pushes lock"),
        index("fold_cursor_pkey", "one row a city"),
        table("fold_watch", "what an arbiter that died was doing"),
        index("fold_watch_pkey", "that there is one row"),
        table("incarnation", "which incarnation wrote which part of the feed"),
        index("incarnation_pkey", "one row a number"),
        table("join_token", "one-time secrets of cities that are to join"),
        index("join_token_pkey", "a secret by its digest"),
        table("api_token", "who may ask, as digests"),
        index("api_token_pkey", "a token by its digest, asked with every request"),
        table("ended_session", "sessions in the browser that were ended before their time"),
        index("ended_session_pkey", "whether a session is one of them"),
        table("audit_event", "what was refused or asked, by whom and what for"),
        index("audit_event_pkey", "the events in their order"),
    ]

    private static let recovery = [
        table(
            "recovery_city",
            "whom a recovery waits for, or who came after it with a feed of its own, and what each has presented"),
        index("recovery_city_pkey", "one row a city"),
        table("lost_member", "cities that joined in a time that was lost, which operators are to let join again"),
        index("lost_member_pkey", "one row a city"),
        table(
            "recovery_feed",
            "the lost part of the feed as cities gave it back; else a tail that a city brings after a recovery"),
        index("recovery_feed_pkey", "that part in its order"),
        index("recovery_feed_answers", "how an entry was answered before"),
        table("given_up_feed", "branches of the feed that do not stand, since two registries decided at a time"),
        index("given_up_feed_pkey", "whether a head that a city shows is on one of them"),
        table("given_up_payment", "what such a branch has released, to which its keys are bound"),
        index("given_up_payment_pkey", "each of these payments once"),
        table("given_up_tail", "tails that cities brought after a recovery, which open cases"),
        index("given_up_tail_pkey", "each of these tails once"),
        index("payment_frozen", "payments that a case freezes"),
        table("given_up_entry", "what operators did on such a branch"),
        index("given_up_entry_pkey", "each of these acts once"),
    ]
}
