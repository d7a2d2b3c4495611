import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Finds the entry that ends the process which folds it (FAULTS.md, F24): a trap in the rule book, or memory that runs out.
///
/// Such a process cannot say what it died of, and the next one would die of the same: the nation would stand still. So an
/// arbiter writes down that it begins. One that finds that several before it have decided nothing tries the entries of the
/// oldest batch one by one, each written down before. The entry at which ``mostDeaths`` processes in a row died is answered
/// `invalid`, and the others flow. A kill that has nothing to do with the entry does not hit the same one so often.
struct FoldWatch {
    /// Arbiters that begin and decide nothing, before one is careful.
    static let mostStarts: Int64 = 3
    /// Processes that die at one entry, before it is answered `invalid`.
    static let mostDeaths: Int64 = 3
    /// Entries that a careful arbiter decides batch by batch: as many as three usual transactions have in hand.
    static let carefulEntries = 3 * Arbiter.maximumEntries

    let session: PostgresSession

    /// What an arbiter learns when it begins.
    struct Beginning: Sendable {
        /// Whether entries are to be tried alone before anything is decided.
        let isCareful: Bool
        /// Entries that were decided with care.
        private var decided = 0
        /// The entry that is answered `invalid` from now on, with the reason.
        var poison: String?

        fileprivate init(isCareful: Bool, poison: String?) {
            self.isCareful = isCareful
            self.poison = poison
        }

        /// What is left of it once that many entries more are decided; `nil` when the next transactions may be as large as
        /// they usually are.
        func after(_ entries: Int) -> Beginning? {
            var rest = self
            rest.decided += entries
            return isCareful && rest.decided < FoldWatch.carefulEntries ? rest : nil
        }
    }

    /// Notes that an arbiter begins, once it holds the lock. One of a process that began before, after an error that it
    /// survived, is no news.
    ///
    /// - Parameter process: Tells processes apart.
    func begin(_ process: [UInt8]) throws -> Beginning {
        try session.transaction {
            let row = try session.execute(
                """
                UPDATE fold_watch SET process = $1, city_code = NULL, sequence = NULL,
                    starts = w.starts + CASE WHEN w.process = $1 THEN 0 ELSE 1 END,
                    deaths = CASE
                        WHEN w.city_code IS NULL OR w.process = $1 THEN w.deaths
                        WHEN (w.city_code, w.sequence) = (w.died_city_code, w.died_sequence) THEN w.deaths + 1
                        ELSE 1 END,
                    died_city_code = CASE WHEN w.process = $1 THEN w.died_city_code
                        ELSE coalesce(w.city_code, w.died_city_code) END,
                    died_sequence = CASE WHEN w.process = $1 THEN w.died_sequence
                        ELSE coalesce(w.sequence, w.died_sequence) END
                FROM (SELECT * FROM fold_watch FOR UPDATE) AS w
                RETURNING fold_watch.starts, fold_watch.deaths, fold_watch.died_city_code, fold_watch.died_sequence
                """, [.bytea(process)])
            // The registry's own acts are its operators', and what a restored registry decides again is decided already.
            guard row.int(0, 1) >= FoldWatch.mostDeaths, row.int(0, 2) != Int64(CityCode.registry.rawValue),
                try RegistryRow.read(session).recovery == nil
            else { return Beginning(isCareful: row.int(0, 0) > FoldWatch.mostStarts, poison: nil) }
            try session.execute("UPDATE fold_watch SET deaths = 0, died_city_code = NULL, died_sequence = NULL", [])
            try session.execute(
                "UPDATE entry SET fault = $3 WHERE city_code = $1 AND sequence = $2",
                [.int4(Int32(row.int(0, 2))), .int8(row.int(0, 3)), .text(Arbiter.poisonFault)])
            let city = try row.city(0, 2, in: "fold_watch")
            return Beginning(
                isCareful: true,
                poison: "entry \(row.int(0, 3)) of city \(city): \(row.int(0, 1)) processes in a row ended when they "
                    + "tried it alone")
        }
    }

    /// Notes that something was decided, or that nothing waits: the arbiters that begin are not the fault's.
    func settle() throws {
        try session.queue(
            "UPDATE fold_watch SET starts = 0, deaths = 0, died_city_code = NULL, died_sequence = NULL", [])
    }

    /// Folds and writes the entries of the oldest batch that waits, one after the other, and undoes it all. It returns unless
    /// one of them ends the process; what the database refuses is found when the batch is decided.
    func tryOldestBatch(_ store: RegistryStore) throws {
        let oldest = try session.execute(
            """
            SELECT city_code, first_sequence, last_sequence FROM batch WHERE NOT folded ORDER BY batch_id LIMIT 1
            """, [])
        guard oldest.count > 0 else { return }
        var decided: [FoldWriter.Decided] = []
        // An error that the process survives is no death.
        defer { try? session.run(script: "UPDATE fold_watch SET city_code = NULL, sequence = NULL") }
        for sequence in oldest.int(0, 1)...oldest.int(0, 2) {
            try session.execute(
                "UPDATE fold_watch SET city_code = $1, sequence = $2",
                [.int4(Int32(oldest.int(0, 0))), .int8(sequence)])
            let work = try WaitingWork.read(
                session, store.policies, store.dialect, behind: [], batches: 1, only: sequence)
            let folded = FoldedBatch(work, on: decided.isEmpty ? [] : [decided])
            decided += folded.decided
            try session.transaction {
                let composer = FeedComposer(after: try RegistryRow.read(session), store.secrets)
                _ = try FoldWriter(folded.decided, composer: composer).isWritable(session)
            }
        }
        try session.execute("UPDATE fold_watch SET deaths = 0, died_city_code = NULL, died_sequence = NULL", [])
    }
}
