import Arbitration
import ArgumentParser
import FederationHTTP
import RegistryStore
import Replication
import Terminal
import VoucherDomain

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the registry decides, and what it waits for.",
        discussion: """
            A registry whose database was restored to an earlier point is in recovery mode: nothing is decided or paid \
            until the cities have given back what they hold of the time since. They do so by themselves; the table names \
            those that are waited for. A city that joined, or changed its key, in a time of which nothing came back is named \
            with what to do for it, whether the registry recovers or not; so is one that came after a recovery with a feed \
            that the registry cannot take in.
            Keys of cities, the server's certificate and the CA that cities trust are named from sixty days before the day \
            by which they are to be replaced. A key that is past it works on.
            """)

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Document: Encodable {
        struct City: Encodable {
            let city_code: String
            let name: String
            let state: String
            let log_has: UInt64
            let log_wants: UInt64?
            let feed_wants: UInt64?
        }
        struct Recovery: Encodable {
            let phase: String
            let reason: String
            let problem: String?
            let incarnation: UInt32
            let feed_has: UInt64
            let cities: [City]
        }
        /// Entries of a kind that a build could not read: kept, and decided by the first build that can.
        struct Unread: Encodable {
            let city_code: String
            let kind: UInt32
            let entries: Int
            let update_needed: Bool
        }
        /// A city that shows the registry's own word for its key, of which nothing tells any more.
        struct LostCity: Encodable {
            let city_code: String
            let name: String
            let key: String
            let message: String

            init(_ member: RegistryStore.LostMember) {
                city_code = member.city.description
                name = member.name
                key = member.key.bytes.hexadecimal
                message = member.message
            }
        }
        /// A city that stands still, for the registry does not take in what it has of the feed.
        struct RefusedFeed: Encodable {
            let city_code: String
            let name: String
            let message: String

            init(_ refused: RegistryStore.RefusedFeed) {
                city_code = refused.city.description
                name = refused.name
                message = refused.message
            }
        }
        /// Payments over which a case must decide, since two registries authorised them; or one that is bound to nothing.
        struct FrozenPayment: Encodable {
            let case_id: String?
            let claims: [String]
            let message: String

            init(_ frozen: RegistryStore.FrozenPayment) {
                case_id = frozen.caseID
                claims = frozen.claims.map(\.description)
                message = frozen.message
            }
        }
        let incarnation: UInt32
        let feed_position: UInt64
        /// The public key by which receipts and manifests are verified, in hexadecimal.
        let signing_key: String
        let cities: Int
        let undecided: UInt64
        let unread: [Unread]
        let lost_cities: [LostCity]
        let refused_feeds: [RefusedFeed]
        let frozen_payments: [FrozenPayment]
        let renewal: RenewalReport.Document
        let recovery: Recovery?
    }

    func run() async throws {
        try await database.withStore { store in
            let head = try await store.feedHead()
            let cities = try await store.cities()
            let renewal = try await RenewalReport(store, cities, now: WallClock.now)
            let report = try await store.recoveryReport()
            let lost = try await store.lostMembers()
            let refused = try await store.refusedFeeds()
            let frozen = try await store.frozenPayments()
            let document = Document(
                incarnation: head.incarnation, feed_position: head.position,
                signing_key: store.secrets.signingKey.publicKey.bytes.hexadecimal, cities: cities.count,
                undecided: cities.reduce(0) { $0 + $1.undecided },
                unread: try await store.unread().map {
                    .init(
                        city_code: $0.city.description, kind: $0.kind.rawValue, entries: $0.entries,
                        update_needed: !$0.isRead)
                },
                lost_cities: lost.map { .init($0) }, refused_feeds: refused.map { .init($0) },
                frozen_payments: frozen.map { .init($0) },
                renewal: renewal.document,
                recovery: report.map { report in
                    .init(
                        phase: report.phase, reason: report.reason, problem: report.problem,
                        incarnation: report.incarnation, feed_has: report.feedHas,
                        cities: report.cities.map {
                            .init(
                                city_code: $0.code.description, name: $0.name, state: $0.state, log_has: $0.logHas,
                                log_wants: $0.logWants, feed_wants: $0.feedWants)
                        })
                })
            if json { return try Output.json(document) }
            Output.line(
                "incarnation \(head.incarnation), feed position \(head.position), \(cities.count) cities, "
                    + "\(document.undecided) entries not yet decided")
            for item in document.unread where item.update_needed {
                Output.line(
                    "UPDATE NEEDED: \(item.entries) entries of city \(item.city_code) are of kind \(item.kind), which this "
                        + "build cannot read: kept, and decided after the update. 需要升级：记录已保存，升级后裁决。")
            }
            for city in document.lost_cities { Output.line("ALARM: \(city.message). 登记中心已不认识该城市。") }
            for feed in document.refused_feeds { Output.line("ALARM: \(feed.message). 登记中心未采纳该城市持有的全国记录。") }
            for item in document.frozen_payments { Output.line("ALARM: \(item.message). 付款已冻结，须裁定。") }
            for line in renewal.lines { Output.line(line) }
            guard let recovery = document.recovery else { return }
            Output.line("RECOVERY MODE (\(recovery.phase)): nothing is paid. 恢复模式：暂停裁决与付款。")
            Output.line("because: \(recovery.reason)")
            if let problem = recovery.problem { Output.line("PROBLEM: \(problem)") }
            Output.line(
                "incarnation \(recovery.incarnation) begins when all is back; the feed is back up to \(recovery.feed_has)"
            )
            var table = TextTable(columns: [
                .name("city"), .text("name", least: 10), .whole("state"), .number("log has"), .number("log wants"),
                .number("feed wants"),
            ])
            for city in recovery.cities {
                table.add([
                    city.city_code, city.name, city.state, "\(city.log_has)", city.log_wants.map { "\($0)" } ?? "?",
                    city.feed_wants.map { "\($0)" } ?? "?",
                ])
            }
            Output.line(table.text)
        }
    }
}

extension RegistryStore.RecoveryReport.City {
    fileprivate var state: String {
        if absenceReason != nil { return "absent" }
        if isComplete { return "all is back" }
        return hasPromised ? "giving back" : "waited for"
    }
}

struct RecoveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery", abstract: "Act in recovery mode.", subcommands: [Begin.self, AcceptAbsence.self])

    struct Begin: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enter recovery mode: for a database that was restored by other means than `restore`.",
            discussion: "Harmless when nothing was lost: it ends as soon as every city has shown what it holds.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "What happened.") var why: String

        func run() async throws {
            try await database.withStore { store in
                try await store.beginRecovery(reason: why, now: WallClock.now)
                Output.line("recovery mode: see national-registry status")
            }
        }
    }

    struct AcceptAbsence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go on without a city that does not come.",
            discussion: """
                What that city alone holds of the lost time is then not honoured. Stop any old registry server first: a \
                city that has not promised may still listen to it. At most as many cities may be absent as an \
                authorisation has witnesses (policy: payments.witness_cities). A city of which nothing tells any more, as \
                status says, is then not named there any more, whether the registry recovers or not.
                """)

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The city's code.") var city: String
        @Option(help: "Why; it is kept in the audit log.") var why: String

        func run() async throws {
            try await database.withStore { store in
                guard let code = CityCode(city) else { throw ValidationError("\(city) is not a city code") }
                try await store.acceptAbsence(of: code, reason: why, now: WallClock.now)
                Output.line("city \(code) is accepted as absent")
            }
        }
    }
}
