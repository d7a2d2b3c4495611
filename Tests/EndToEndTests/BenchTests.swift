import Foundation
import Testing

/// That the benchmarks run to their end; what they measure in a debug build says nothing.
@Suite("Benchmarks", .serialized)
struct BenchTests {
    @Test(
        "each bench counts what it did, and what it is held against",
        arguments: [["ingest"], ["latency"], ["rebuild"], ["refill"], ["catchup"]])
    func pairs(arguments: [String]) async throws {
        let result = try await Program.laboratory.run(["bench"] + arguments + ["--smallest", "--json"])

        #expect(result.status == 0, "\(result.errors)")
        let figures = try result.json([String: Double].self)
        #expect(figures.count >= 6)
        #expect(figures.values.allSatisfy { $0 > 0 && $0.isFinite })
    }

    @Test("reconnect loses no city and no claim")
    func reconnect() async throws {
        let result = try await Program.laboratory.run(["bench", "reconnect", "--smallest", "--json"])

        #expect(result.status == 0, "\(result.errors)")
        let figures = try result.json([String: Double].self)
        #expect(figures["cities"] == 20)
        #expect(figures["entries"] == 80)
        #expect(figures["requests_sent_again"] == 0)
        #expect(figures.filter { $0.key != "requests_sent_again" }.values.allSatisfy { $0 > 0 && $0.isFinite })
    }

    @Test("check finds what is held and nothing else")
    func check() async throws {
        let result = try await Program.laboratory.run(["bench", "check", "--smallest", "--json"])

        #expect(result.status == 0, "\(result.errors)")
        let figures = try result.json([[String: Double]].self)
        #expect(figures.map { $0["keys"] } == [1_000])
        #expect(figures.allSatisfy { $0.values.allSatisfy { $0 > 0 && $0.isFinite } })
    }

    @Test("query asks every question at a registry that was filled")
    func query() async throws {
        struct Asked: Decodable {
            let question: String
            let p50_ms: Double
        }
        let result = try await Program.laboratory.run(["bench", "query", "--smallest", "--json"])

        #expect(result.status == 0, "\(result.errors)")
        let asked = try result.json([Asked].self)
        let pages = asked.filter { $0.question.hasPrefix("page: ") }
        #expect(asked.count - pages.count == 16)
        #expect(pages.count >= 10)
        #expect(asked.allSatisfy { $0.p50_ms > 0 })
    }

    #if DEBUG
        @Test(
            "a debug build refuses to measure",
            arguments: ["ingest", "latency", "check", "rebuild", "refill", "catchup", "reconnect", "query"])
        func debugBuild(bench: String) async throws {
            let result = try await Program.laboratory.run(["bench", bench])

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid("swift build -c release")
        }
    #endif
}
