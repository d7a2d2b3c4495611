import FederationHTTP
import HTTPTypes
import NIOCore
import Testing
import VoucherDomain

@testable import CityNode
@testable import NationalRegistry

/// How cities share the registry's answers to checks, and how long a node waits for one.
@Suite("Turns of checks")
struct CheckTurnsTests {
    private struct Failure: Error {}

    private let turns = CheckTurns()

    @Test("while a city's check is answered another one of it is told to come again, and other cities are answered")
    func oneAtATime() async throws {
        let city = try #require(CityCode("440300"))
        let other = try #require(CityCode("110000"))
        try await turns.take(by: city) {
            let problem = await #expect(throws: Problem.self) { try await turns.take(by: city) {} }
            #expect(problem?.status == .serviceUnavailable)
            #expect(problem?.kind == "busy")
            #expect(problem?.retryAfter == 1)
            let answer = try await turns.take(by: other) { 7 }
            #expect(answer == 7)
        }

        #expect(try await turns.take(by: city) { 8 } == 8)
    }

    @Test("a check that fails gives its city's turn back")
    func failed() async throws {
        let city = try #require(CityCode("440300"))
        await #expect(throws: Failure.self) { try await turns.take(by: city) { throw Failure() } }

        #expect(try await turns.take(by: city) { 8 } == 8)
    }

    @Test(
        "a node waits for the registry's answers the longer the more it asks, and ten seconds at most",
        arguments: [(1, 1_010), (100, 2_000), (900, 10_000), (1_000, 10_000)])
    func patience(questions: Int, milliseconds: Int64) {
        #expect(RegistryClient.longestCheck(of: questions) == .milliseconds(milliseconds))
    }
}
