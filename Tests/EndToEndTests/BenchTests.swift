import Foundation
import Testing

@testable import Laboratory

/// That the benchmarks run to their end; what they measure in a debug build says nothing.
@Suite("Benchmarks", .serialized)
struct BenchTests {
    @Test(
        "each bench counts what it did, and what it is held against",
        arguments: [["ingest"], ["latency"], ["rebuild"], ["refill"], ["catchup"], ["handover"]])
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

    @Test("node looks at a process without a network, then at one whose claims are decided")
    func node() async throws {
        struct Looked: Decodable {
            struct Memory: Decodable {
                struct Mapping: Decodable { let resident_megabytes: Double }
                let resident_megabytes: Double
                let proportional_megabytes: Double
                let largest: [Mapping]
            }
            struct Idle: Decodable {
                struct Thread: Decodable { let name: String }
                let seconds: Double
                let busiest: [Thread]
            }
            struct Request: Decodable {
                let request: String
                let p50_ms: Double
            }
            struct Condition: Decodable {
                let listening_p50_ms: Double
                let answered_p50_ms: Double
                let parts_ms: [String: Double]
                let idle: Memory
                let idle_again: Memory
                let idle_work: Idle
                let requests: [Request]
            }
            let claims: Int
            let offline: Condition
            let connected: Condition
        }
        let result = try await Program.laboratory.run(["bench", "node", "--smallest", "--json"])

        #expect(result.status == 0, "\(result.errors)")
        let looked = try result.json(Looked.self)
        #expect(looked.claims == 200)
        for condition in [looked.offline, looked.connected] {
            #expect(condition.listening_p50_ms > 0 && condition.answered_p50_ms > condition.listening_p50_ms)
            #expect(condition.parts_ms.keys.sorted() == ["listen", "pages", "program", "store"])
            #expect(condition.parts_ms.values.allSatisfy { $0 > 0 })
            for memory in [condition.idle, condition.idle_again] {
                #expect(memory.resident_megabytes > 1)
                #expect((0.5...memory.resident_megabytes + 1).contains(memory.proportional_megabytes))
                #expect(memory.largest.allSatisfy { $0.resident_megabytes <= memory.resident_megabytes })
            }
            #expect(condition.idle_work.seconds >= 1 && !condition.idle_work.busiest.isEmpty)
            #expect(condition.requests.count == 7 && condition.requests.allSatisfy { $0.p50_ms > 0 })
        }
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
        #expect(asked.count - pages.count == 22)
        #expect(asked.filter { $0.question.hasPrefix("report: ") }.count == 6)
        #expect(pages.count >= 10)
        #expect(asked.allSatisfy { $0.p50_ms > 0 })
    }

    @Test("growth takes the same claims into a large registry and a small one, and says what each table is for")
    func growth() async throws {
        struct Size: Decodable {
            let name: String
            let bytes_per_claim: Double
            let purpose: String
        }
        struct Grown: Decodable {
            let fresh_claims: Int
            let ratio: Double
            let bytes_per_claim: Double
            let bytes_per_payment: Double
            let scattered_bytes_per_claim: Double
            let relations: [Size]
        }
        let file = "/tmp/vf-figures-\(UUID().uuidString)"
        defer { unlink(file) }
        try FileManager.default.copyItem(atPath: try Sample.find("deploy/figures.json", option: ""), toPath: file)
        let result = try await Program.laboratory.run(
            ["bench", "growth", "--smallest", "--json", "--record", file])

        #expect(result.status == 0, "\(result.errors)")
        let grown = try result.json(Grown.self)
        #expect(grown.fresh_claims == 68)
        #expect(grown.ratio > 0 && grown.ratio.isFinite)
        #expect(grown.bytes_per_payment > 0)
        #expect(grown.scattered_bytes_per_claim > 0)
        let sum = grown.relations.reduce(0) { $0 + $1.bytes_per_claim }
        #expect(abs(sum - grown.bytes_per_claim) < 1)
        #expect(grown.relations.contains { $0.name == "trace_pkey" && $0.bytes_per_claim > 0 })
        #expect(grown.relations.filter { $0.purpose.isEmpty }.map(\.name) == [])
        let recorded = try MeasuredFigures(path: file)
        #expect(recorded.source(of: .bytesPerClaim) == "bench growth --claims 680")
        #expect(abs(recorded[.bytesPerClaim] - grown.bytes_per_claim) < 0.01)
    }

    @Test("growth is printed as a table of what takes a byte of each claim")
    func growthTable() async throws {
        let result = try await Program.laboratory.run(["bench", "growth", "--smallest"])

        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("aim 0.9"))
        #expect(result.output.contains("who holds a key, asked for every key of every claim that is filed"))
    }

    @Test("a plan of hardware can be asked for any number of cities, and refuses what is no number of them")
    func capacity() async throws {
        struct Plan: Decodable { let claims_per_year: Double }
        let plans = try await Program.laboratory.run(
            ["capacity", "--cities", "1", "2", "--claims-per-city", "1000", "--json"])

        #expect(plans.status == 0, "\(plans.errors)")
        #expect(try plans.json([Plan].self).map(\.claims_per_year) == [1_000, 2_000])
        for wrong in [["--cities", "0"], ["--years", "0"], ["--figures", "/nowhere"]] {
            let result = try await Program.laboratory.run(["capacity"] + wrong)
            #expect(result.status == (wrong[0] == "--figures" ? 1 : 64), "\(wrong)")
        }
    }

    #if DEBUG
        @Test(
            "a debug build refuses to measure",
            arguments: [
                "ingest", "latency", "check", "node", "rebuild", "refill", "catchup", "reconnect", "query", "growth",
                "handover",
            ])
        func debugBuild(bench: String) async throws {
            let result = try await Program.laboratory.run(["bench", bench])

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid("swift build -c release")
        }
    #endif
}
