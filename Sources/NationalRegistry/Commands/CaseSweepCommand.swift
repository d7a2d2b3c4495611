import Arbitration
import ArgumentParser
import FederationHTTP
import RegistryStore
import Replication
import Terminal

extension CaseCommand {
    struct Sweep: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold every unpaid claim against the rule book once more; to be run every night.",
            discussion: """
                What has become known since a claim was decided (a row of the ownership file, the provider list, another \
                policy) may put it in another light. Each finding opens a case; nothing is refused. A second run finds \
                nothing that a case has named before.
                """)

        @OptionGroup var database: DatabaseOptions
        @Flag(help: "Only print the claims, and open no case.") var dryRun = false

        func run() async throws {
            try await database.withStore(isWriting: !dryRun) { store in
                let total = Int(try await store.feedHead().position)
                let found = try await store.sweep(isTrial: dryRun, now: WallClock.now) { done in
                    Output.note("folded \(done) of \(total)")
                }
                for name in found { Output.line(name.description) }
                Output.note(
                    found.isEmpty
                        ? "nothing new in any claim"
                        : "\(found.count) claims \(dryRun ? "would be" : "are") looked at once more")
            }
        }
    }
}
