import Testing

@testable import CityStore

@Suite("Remembered answers")
struct RememberedAnswerTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private let answer = CityStore.RememberedAnswer(requestDigest: [1, 2], status: 201, body: Array("{}".utf8))

    @Test("an answer is remembered under its key, also after a restart")
    func remembered() throws {
        try node.store.remember(answer, forKey: "k-1", now: .noon)
        try node.reopen()

        #expect(try node.store.answer(forKey: "k-1") == answer)
        #expect(try node.store.answer(forKey: "k-2") == nil)
    }

    @Test("the first answer under a key stays")
    func firstStays() throws {
        try node.store.remember(answer, forKey: "k-1", now: .noon)
        try node.store.remember(
            .init(requestDigest: [3], status: 409, body: []), forKey: "k-1", now: .noon)

        #expect(try node.store.answer(forKey: "k-1") == answer)
    }
}
