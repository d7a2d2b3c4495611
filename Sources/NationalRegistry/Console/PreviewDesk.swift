import Arbitration
import RegistryStore
import Replication

/// Previews of policies, which fold the whole journal twice: one at a time, in the background.
actor PreviewDesk {
    enum State: Sendable {
        case idle
        case running(document: String, done: Int, total: Int)
        case finished(document: String, PolicyPreview)
        case failed(document: String, message: String)
    }

    /// The longest journal that is folded twice in the server's own memory.
    private static let longest = 300_000

    private let desk: QuestionDesk
    /// Called when there is something else to show.
    private let changed: @Sendable () -> Void
    private(set) var state = State.idle {
        didSet {
            version += 1
            changed()
        }
    }
    /// How often the state has changed.
    private(set) var version: UInt64 = 0

    init(_ desk: QuestionDesk, changed: @escaping @Sendable () -> Void) {
        self.desk = desk
        self.changed = changed
    }

    /// Begins a preview, in the place of the last one.
    ///
    /// - Throws: ``RegistryRefusal`` while another one is running.
    func begin(_ document: String) throws {
        if case .running = state {
            throw RegistryRefusal(.invalid, "another preview is running: wait for its end")
        }
        state = .running(document: document, done: 0, total: 0)
        Task {
            do {
                let total = Int(try await desk.ask { try await $0.head(nil).position })
                guard total <= PreviewDesk.longest else {
                    throw RegistryRefusal(
                        .invalid,
                        "the journal has \(total) entries, too many to fold twice within the server: run national-registry "
                            + "policy preview")
                }
                self.state = .running(document: document, done: 0, total: total)
                let preview = try await desk.ask { queries in
                    try await queries.store.preview(policy: Array(document.utf8)) { done in
                        Task { await self.show(done) }
                    }
                }
                self.state = .finished(document: document, preview)
            } catch {
                let message = (error as? RegistryRefusal)?.message ?? "\(error)"
                self.state = .failed(document: document, message: message)
            }
        }
    }

    private func show(_ done: Int) {
        guard case .running(let document, let shown, let total) = state, done > shown else { return }
        state = .running(document: document, done: done, total: total)
    }
}
