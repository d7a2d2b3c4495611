import ArgumentParser
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Logging
import Terminal
import VoucherDomain

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Become the node of a city, with the token that the registry's operator gave.")

    @OptionGroup var node: DataOptions
    @Argument(help: "The token, or - to read it from standard input.") var token: String?
    @Option(help: "A file that holds the token.") var tokenFile: String?

    func validate() throws {
        if (token == nil) == (tokenFile == nil) { throw ValidationError("give the token, - or --token-file FILE") }
    }

    func run() async throws {
        try await node.run { directory in
            let text: String
            if let tokenFile {
                guard let data = FileManager.default.contents(atPath: tokenFile) else {
                    throw NodeDirectory.Failure(message: "cannot read \(tokenFile)")
                }
                text = String(decoding: data, as: UTF8.self)
            } else if token == "-" {
                text = readLine() ?? ""
            } else {
                text = token ?? ""
            }
            let identity = try await NodeJoin(directory: directory).run(try JoinToken(text: text))
            Output.line("joined as city \(identity.city) \(identity.cityName)")
        }
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the local API and keep in step with the registry.",
        discussion: """
            Prints `listening on URL` on standard output once ready. The API takes the bearer token in DIR/api-token. \
            SIGTERM or Ctrl-C ends it without losing anything.
            """)

    @OptionGroup var node: DataOptions
    @Option(help: "HOST:PORT on the loopback to listen on; port 0 picks one.") var listen = "127.0.0.1:8441"
    @Option(help: "The registry's URL, if it has moved since the token was made.") var registry: String?

    func validate() throws {
        guard let address = ListenAddress(listen) else {
            throw ValidationError("--listen is HOST:PORT, such as 127.0.0.1:8441")
        }
        guard address.isLoopback else {
            throw ValidationError("the local API is plain HTTP and listens on the loopback only")
        }
    }

    func run() async throws {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            let level = ProcessInfo.processInfo.environment["LOG_LEVEL"].flatMap(Logger.Level.init(rawValue:))
            handler.logLevel = level ?? .notice
            return handler
        }
        try await node.run { directory in
            guard let address = ListenAddress(listen) else { return }
            try await NodeServer(
                directory: directory, listen: address, registryURL: registry, logger: Logger(label: "city-node")
            ).run()
        }
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show where replication stands.")

    @OptionGroup var node: DataOptions
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Wait until nothing is unsent or undecided, nor to be got back from the registry.") var wait = false
    @Option(help: "Seconds to wait at most.") var timeout: Double = 60

    func run() async throws {
        try await node.withNode { connection in
            let deadline = Date().addingTimeInterval(timeout)
            var state = try await connection.get("/v1/sync").value(SyncDocument.self)
            while wait, state.restored ?? false || state.unsent > 0 || state.undecided > 0 {
                guard Date() < deadline else {
                    throw NodeDirectory.Failure(
                        message: (state.restored ?? false ? "put back and not yet greeted, " : "")
                            + "\(state.unsent) unsent and \(state.undecided) undecided after \(timeout) s"
                            + (state.last_error.map { ": \($0)" } ?? ""))
                }
                try await Task.sleep(for: .milliseconds(200))
                state = try await connection.get("/v1/sync").value(SyncDocument.self)
            }
            if json { return try Output.json(state) }
            Output.line("city        \(state.city_code), epoch \(state.epoch)")
            Output.line("registry    \(state.connected ? "connected" : "not connected")")
            Output.line(
                "log         \(state.log_head) entries, \(state.received_through) received, \(state.unsent) unsent")
            Output.line("feed        position \(state.feed_position), \(state.undecided) undecided")
            if let until = state.key_until.flatMap({ StatedTime($0) }) {
                let day = CalendarDate.inChina(milliseconds: until.rawValue).iso8601
                Output.line("key         to be replaced by \(day)")
            }
            if let error = state.last_error { Output.line("last error  \(error)") }
            for notice in state.notices ?? [] { Output.line("notice      \(notice)") }
        }
    }
}

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Look after the city's own log.", subcommands: [Verify.self, Late.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every entry of the log and the feed against its hash and its link.")

        @OptionGroup var node: DataOptions

        func run() async throws {
            try await node.run { directory in
                try directory.requireStore()
                let count = try CityStore(reading: directory.path).verifyLog()
                Output.line("\(count) entries: all agree")
            }
        }
    }

    struct Late: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what was written beside the log and appended late.",
            discussion: """
                When a store goes on from an old copy, or two copies of it go on, the registry's record stands. What \
                this store has beside it is appended once more, late: each entry keeps its id, and is decided anew. A \
                claim whose number was given in both is the one that the registry has; the other one is invalid and \
                needs a new number, and what was said of it besides (its withdrawal, its payment) is withheld.
                """)

        @OptionGroup var node: DataOptions
        @OptionGroup var output: ListOptions
        @Flag(help: "Note that these were seen: status says no more of them.") var seen = false

        static var listing: Listing<LateEntriesDocument.Item> {
            Listing([
                .init("kind", shown: .name("kind")) { $0.kind },
                .init("number", shown: .name("number")) { $0.number },
                .init("state", shown: .whole("state")) { $0.state },
                .init("seen", shown: .whole("seen")) { "\($0.seen)" },
                .init("sequence", shown: .number("entry")) { $0.sequence.map { "\($0)" } ?? "" },
                .init("written_sequence", shown: .number("written as")) { "\($0.written_sequence)" },
                .init("written_at", shown: .whole("written at")) { $0.written_at },
            ])
        }

        func run() async throws {
            try await node.withNode { connection in
                let document = try await connection.get("/v1/late-entries").value(LateEntriesDocument.self)
                try output.print(document.items, Self.listing, json: document)
                if document.items.isEmpty { Output.note("nothing was written beside the log") }
                if seen { _ = try await connection.send("POST", "/v1/late-entries/seen", []) }
            }
        }
    }
}
