import ArgumentParser
import FederationHTTP
import FederationWire
import RegistryStore
import Replication
import Terminal
import VoucherDomain

struct CityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "city", abstract: "Enrol cities and look after them.",
        subcommands: [Enroll.self, List.self, Suspend.self, Reinstate.self, RotateKey.self])
}

extension CityCode: ExpressibleByArgument {
    package init?(argument: String) {
        guard let city = CityCode(argument), city != .registry else { return nil }
        self = city
    }
}

/// Builds join tokens from what `serve` has stored.
private struct TokenMaker {
    let store: RegistryStore
    let url: String?

    func token(_ city: CityCode, name: String, secret: [UInt8], expiresAt: UInt64) async throws -> String {
        guard let advertised = try await store.advertised() else {
            throw RegistryRefusal(
                .notInitialised, "no server has run on this database yet: start national-registry serve first")
        }
        return JoinToken(
            url: url ?? advertised.url, city: city, cityName: name, secret: secret, expiresAt: expiresAt,
            registryKeyDigest: store.secrets.signingKey.publicKey.fingerprint, trustAnchor: advertised.trustAnchor
        ).text
    }
}

extension CityCommand {
    struct Enroll: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enrol a city; prints its one-time join token on one line.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "GB/T 2260 code, six digits.") var code: CityCode
        @Argument(help: "Name of the city.") var name: String
        @Option(help: "Hours until the token expires.") var expiresHours: UInt64 = 72
        @Option(help: "URL to put in the token instead of the advertised one.") var url: String?

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                let now = WallClock.now
                let expiresAt = now + expiresHours * 3_600_000
                let maker = TokenMaker(store: store, url: url)
                guard try await store.advertised() != nil else {
                    throw RegistryRefusal(
                        .notInitialised, "no server has run on this database yet: start national-registry serve first")
                }
                let secret = try await store.enroll(code, name: name, expiresAt: expiresAt, now: now)
                Output.line(try await maker.token(code, name: name, secret: secret, expiresAt: expiresAt))
            }
        }
    }

    struct RotateKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a join token with which a city's node can come back under a new key.",
            discussion: """
                The day by which a city is to have a new key is shown by city list. A key that is past it works on, and so \
                does the present one until the city joins with the token.
                """)

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "GB/T 2260 code, six digits.") var code: CityCode
        @Option(help: "Hours until the token expires.") var expiresHours: UInt64 = 72

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                let expiresAt = WallClock.now + expiresHours * 3_600_000
                let (name, secret) = try await store.rotateKey(code, expiresAt: expiresAt)
                let maker = TokenMaker(store: store, url: nil)
                Output.line(try await maker.token(code, name: name, secret: secret, expiresAt: expiresAt))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List cities: how far each is, whether its chain agrees with this one, the day of its key.",
            discussion: """
                A city DIFFERS when it has sealed another feed than this registry's: one of the two was changed, or there \
                are two registries. Its watermark is the time before which it will file nothing any more.
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var output: ListOptions

        static var listing: Listing<RegistryQueries.CityDocument> {
            Listing([
                .init("city_code", shown: .name("code")) { $0.city_code },
                .init("name", shown: .text("city", least: 10)) { $0.name },
                .init("status", shown: .whole("status")) { $0.status },
                .init("chain_agrees") { $0.chain_agrees.map { "\($0)" } ?? "" },
                .init(shown: .whole("chain")) { $0.chain_agrees.map { $0 ? "agrees" : "DIFFERS" } ?? "" },
                .init("undecided", shown: .number("undecided")) { "\($0.undecided)" },
                .init("feed_lag", shown: .number("feed lag")) { "\($0.feed_lag)" },
                .init("last_contact") { $0.last_contact ?? "" },
                .init(shown: .whole("last contact")) { $0.last_contact.map(MinuteText.utc) ?? "never" },
                .init("key_since") { $0.key_since ?? "" },
                .init("key_until") { $0.key_until ?? "" },
                .init("key_state") { $0.key_state ?? "" },
                .init(shown: .whole("replace key by")) { $0.keyText },
                .init("watermark") { $0.watermark ?? "" },
                .init(shown: .whole("watermark")) { $0.watermark.map(MinuteText.utc) ?? "" },
                .init("sealed_feed_position", shown: .number("sealed feed")) { city in
                    city.sealed_feed_position.map { "\($0)" } ?? ""
                },
                .init("entries", shown: .number("entries")) { "\($0.entries)" },
                .init("epoch", shown: .number("epoch")) { "\($0.epoch)" },
                .init("protocol_version", shown: .number("protocol")) { city in
                    city.protocol_version.map { "\($0)" } ?? ""
                },
                .init("software", shown: .whole("software")) { $0.software ?? "" },
            ])
        }

        func run() async throws {
            try await database.withStore { store in
                let cities = try await RegistryQueries(store: store).cities()
                try output.print(cities, Self.listing, json: ListDocument(items: cities, next: nil))
            }
        }
    }

    struct Suspend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse a city's requests from now on; its keys stay held.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "GB/T 2260 code, six digits.") var code: CityCode
        @Option(help: "Why; kept in the registry's log.") var reason: String

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                try await store.setSuspended(true, code, reason: reason, now: WallClock.now)
                Output.line("city \(code) is suspended")
            }
        }
    }

    struct Reinstate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a suspended city back in.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "GB/T 2260 code, six digits.") var code: CityCode
        @Option(help: "Why; kept in the registry's log.") var reason: String

        func run() async throws {
            try await database.withStore(isWriting: true) { store in
                try await store.setSuspended(false, code, reason: reason, now: WallClock.now)
                Output.line("city \(code) is active")
            }
        }
    }
}

extension RegistryQueries.CityDocument {
    /// The day of its key in China, and a word when that is near or past.
    fileprivate var keyText: String {
        guard let until = key_until.flatMap({ StatedTime($0) }) else { return "" }
        let word =
            switch key_state.flatMap(Expiry.Stage.init(rawValue:)) {
            case .ending: " SOON"
            case .over: " PAST"
            case .current, nil: ""
            }
        return CalendarDate.inChina(milliseconds: until.rawValue).iso8601 + word
    }
}
