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

    private let store: RegistryStore
    private(set) var state = State.idle

    init(store: RegistryStore) { self.store = store }

    /// Begins a preview, in the place of the last one.
    ///
    /// - Throws: ``RegistryRefusal`` while another one is running.
    func begin(_ document: String) async throws {
        if case .running = state {
            throw RegistryRefusal(.invalid, "another preview is running: wait for its end")
        }
        state = .running(document: document, done: 0, total: Int(try await store.feedHead().position))
        Task {
            do {
                let preview = try await store.preview(policy: Array(document.utf8)) { done in
                    Task { await self.show(done) }
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
