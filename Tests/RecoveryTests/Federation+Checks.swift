import Arbitration
import CityStore
import PostgresClient
import RegistryStore
import Replication
import VoucherDomain

/// What must hold in the end.
extension Federation {
    func check() async throws {
        faults += newest.alarms
        try await checkAlarms()
        if let report = try await newest.store.recoveryReport() {
            return try await checkStanding(report)
        }
        guard isQuiet else { return faults.append("not quiet after healing") }
        faults += try await newest.store.recompute { _ in }.faults
        faults += try await newest.store.verify { _ in }.faults
        for city in cities where !isExcused(city) { try await checkLogs(of: city) }
        try await checkInvoices()
        try await replayHellos()
    }

    private var hasBranched: Bool { registries.contains(where: \.hasBranched) }

    /// What is left of a recovery that only people can end: what a city had is gone; or both sides have decided, and one
    /// that is given up has released a payment.
    private func checkStanding(_ report: RegistryStore.RecoveryReport) async throws {
        guard let problem = report.problem, report.phase == "collecting" else {
            return faults.append("still recovering: \(report.problem ?? "no problem is named")")
        }
        let isExpected = hasBranched && problem.contains("was released on a branch")
        guard isExpected || cities.contains(where: { $0.wasPutBack || $0.wasAbsent }) else {
            return faults.append("still recovering: \(problem)")
        }
        endings.append("people must act: \(problem)")
        if !newest.hasBranched, try await newest.store.feedHead() != newest.firstHead {
            faults.append("the recovering registry has decided")
        }
    }

    /// A city stops only where its store was put back, or where somebody went on without it; or where two registries decide,
    /// as long as both can be reached. Afterwards it is told where to go back to, but for one whose payment cannot be honoured.
    private func checkAlarms() async throws {
        let refused = Set(try await newest.store.refusedFeeds().map(\.city))
        for alarm in alarms {
            guard let city = cities.first(where: { $0.code == alarm.city }) else { continue }
            let isOfBranch = hasBranched && (!alarm.isHealing || refused.contains(city.code))
            if city.wasAbsent || city.wasPutBack || city.wasForgotten || isOfBranch {
                endings.append("city \(city.code) stopped: \(alarm.why)")
            } else {
                faults.append("city \(city.code) stopped: \(alarm.why)")
            }
        }
    }

    /// Each city's log in the registry is its own, with all that it holds a receipt for.
    private func checkLogs(of city: RunCity) async throws {
        let own = try city.store.log(after: 0)
        let stored = try await newest.store.pool.run { [code = city.code] session in
            let result = try session.execute(
                "SELECT hash FROM entry WHERE city_code = $1 ORDER BY sequence", [.int4(Int32(code.rawValue))])
            return (0..<result.count).compactMap { Digest(rawValue: result.bytes($0, 0)) }
        }
        if own.map(\.hash) != stored {
            faults.append("city \(city.code) has \(own.count) entries, the registry \(stored.count), or others")
        }
        let (head, known) = (try city.store.feedHead(), try await newest.store.feedHead())
        if head != known { faults.append("city \(city.code) has applied \(head.position) of \(known.position)") }
    }

    /// No invoice is held by two claims, but where a history that was given up has released one: a case names both.
    private func checkInvoices() async throws {
        let cases = try await newest.store.cases(limit: 10_000).filter { $0.rules.contains(Fold.branchRule) }
        let contested = cases.map { Set($0.parties.map(\.claim)) }
        var holders: [String: ClaimName] = [:]
        for record in try await newest.store.claims(.init(), after: 0, limit: 10_000) where record.state.isLive {
            for invoice in record.claim.invoices {
                if let other = holders.updateValue(record.name, forKey: invoice.number.text) {
                    if contested.contains(where: { $0.isSuperset(of: [record.name, other]) }) {
                        endings.append("a case decides on \(other) and \(record.name)")
                        continue
                    }
                    faults.append("invoice \(invoice.number.text) is held by \(other) and \(record.name)")
                }
            }
        }
    }

    /// What was said before changes nothing when it comes again.
    private func replayHellos() async throws {
        let number = newest.number
        let incarnation = try await newest.store.feedHead().incarnation
        for isAgain in [false, true] {
            for (hello, registry) in hellos {
                let before = try await digest()
                _ = try? await newest.hello(hello, now: now)
                // What only a lost database has heard is news to this one, once.
                let isNews = !isAgain && registry != number && hello.promise >= incarnation
                if !isNews, try await digest() != before {
                    faults.append("a hello of city \(hello.city) that registry \(registry) had answered counts again")
                }
            }
        }
    }

    private func digest() async throws -> String {
        try await newest.store.pool.run { session in
            let result = try session.execute(
                """
                SELECT md5(string_agg(concat_ws(' ', city_code, status, granted_epoch, process_nonce, log_hash), E'\\n'
                    ORDER BY city_code)) || (SELECT count(*) || ' ' || max(batch_id) FROM batch) FROM city
                """)
            return result.text(0, 0)
        }
    }
}
