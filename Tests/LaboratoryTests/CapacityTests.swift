import Foundation
import Testing

@testable import Laboratory

@Suite("Capacity")
struct CapacityTests {
    private static let deploy = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy")
    private static let file = deploy.appending(path: "figures.json").path

    /// Figures that are all the same, but for some.
    private func figures(_ value: Double, _ others: [Figure: Double] = [:]) throws -> MeasuredFigures {
        var figures = try MeasuredFigures(path: Self.file)
        for figure in Figure.allCases { figures.set(figure, to: others[figure] ?? value, source: "a test") }
        return figures
    }

    @Test("the page has the tables that the command prints")
    func page() throws {
        let page = try String(contentsOf: Self.deploy.appending(path: "capacity.md"), encoding: .utf8)
        let computed = CapacityPage(cities: [17, 300, 3_000], try MeasuredFigures(path: Self.file), Workload())

        #expect(try computed.text(in: page) == page, "federation-lab capacity --update deploy/capacity.md")
        #expect(page.contains("| claims a year | 2,040,000 | 36,000,000 | 360,000,000 |"))
    }

    @Test("the tables replace those that a page has, and nothing else of it")
    func replaced() throws {
        let page = CapacityPage(cities: [1], try figures(1), Workload())
        let whole = "before\n<!-- computed: begin -->\nold\n<!-- computed: end -->\nafter\n"

        let text = try page.text(in: whole)

        #expect(text.hasPrefix("before\n<!-- computed: begin -->\n| cities | 1 |\n"))
        #expect(text.hasSuffix("|\n<!-- computed: end -->\nafter\n"))
        #expect(!text.contains("\nold\n"))
        #expect(try page.text(in: text) == text)
        #expect(throws: Sample.Failure.self) { try page.text(in: "no place for them") }
    }

    @Test("a plan is the product of figures and assumptions")
    func products() throws {
        let figures = try figures(
            1, [.ingestClaimsPerSecond: 100, .paymentsPerSecond: 50, .cores: 4, .bytesPerClaim: 1_000])
        let plan = CapacityPlan(
            cities: 10, figures,
            Workload(
                claims_per_city: 36_000, years: 2, busiest_hour: 100, entries_per_claim: 5, entries_per_batch: 5,
                server_gigabytes: 1))

        #expect(plan.claims_per_year == 360_000)
        #expect(plan.claims == 720_000)
        #expect(plan.entries == 3_600_000)
        #expect(plan.claims_per_second == 1)
        #expect(plan.arbiter_load == 0.03)
        #expect(plan.deciding_cores == 0.12)
        // The claim, its payment, two more entries and one batch.
        #expect(plan.registry_bytes == 720_000 * 1_004)
        #expect(plan.network_bits_per_second == 10 * 5 * 8)
        #expect(plan.city_bytes == 3_600_000 + 360_000)
    }

    @Test("more cities need more of everything but what one city needs for itself, and the feed grows by their square")
    func growth() throws {
        let figures = try figures(100)
        let (some, many) = (
            CapacityPlan(cities: 100, figures, Workload()), CapacityPlan(cities: 1_000, figures, Workload())
        )

        #expect(abs(many.registry_bytes / some.registry_bytes - 10) < 1e-9)
        #expect(abs(many.arbiter_load / some.arbiter_load - 10) < 1e-9)
        #expect(abs(many.network_bytes_per_year / some.network_bytes_per_year - 100) < 1e-9)
        #expect(many.city_bytes < some.city_bytes * 10)
    }

    private static let written: [(value: Double, text: String)] = [
        (0, "0"), (0.00123, "0.0012"), (0.5, "0.5"), (1.256, "1.26"), (12.34, "12.3"), (20, "20"), (99.96, "100"),
        (1_234, "1,230"), (2_040_000, "2,040,000"),
    ]

    @Test("numbers have three digits that count", arguments: written)
    func numbers(value: Double, text: String) {
        #expect(CapacityPage.number(value) == text)
    }

    @Test(
        "sizes and times have the unit that reads best",
        arguments: [
            (CapacityPage.bytes(295e6), "295 MB"), (CapacityPage.bytes(2.3e12), "2.3 TB"),
            (CapacityPage.bits(768e3), "768 kbit/s"), (CapacityPage.time(119), "119 s"),
            (CapacityPage.time(600), "10 min"), (CapacityPage.time(86_400), "24 h"),
            (CapacityPage.time(864_000), "10 days"),
        ])
    func units(written: String, text: String) {
        #expect(written == text)
    }

    // MARK: The file of figures

    private static func write(_ text: String) throws -> String {
        let path = "/tmp/vf-figures-\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    private func refusal(of text: String) throws -> String? {
        let path = try Self.write(text)
        defer { unlink(path) }
        let failure = #expect(throws: Sample.Failure.self) { try MeasuredFigures(path: path) }
        return failure?.message
    }

    @Test(
        "a file with a figure that is none, or that is not above zero, is refused by the figure's name",
        arguments: [("\"cores\"", "\"cards\"", "cards"), ("\"value\" : 2\n", "\"value\" : 0\n", "cores")])
    func wrongFigure(old: String, new: String, name: String) throws {
        let whole = try String(contentsOfFile: Self.file, encoding: .utf8)

        #expect(try refusal(of: whole.replacing(old, with: new))?.contains(name) == true)
    }

    @Test("a file that lacks a figure is refused by its name, and one that is no such file")
    func missingFigure() throws {
        let one = "{ \"cores\": { \"value\": 2, \"source\": \"a test\" } }"

        #expect(try refusal(of: one)?.hasSuffix("lacks ingest_claims_per_second") == true)
        #expect(try refusal(of: "[]")?.contains("no file of figures") == true)
    }

    @Test("a bench writes its own figures, with two decimals, and leaves the others")
    func recorded() throws {
        let path = try Self.write(try String(contentsOfFile: Self.file, encoding: .utf8))
        defer { unlink(path) }
        let before = try MeasuredFigures(path: path)

        var option = RecordOption()
        option.record = path
        try option.write([.bytesPerClaim: 4_321.987], by: "bench growth")

        let after = try MeasuredFigures(path: path)
        #expect(after[.bytesPerClaim] == 4_321.99)
        #expect(after.source(of: .bytesPerClaim) == "bench growth")
        for figure in Figure.allCases where figure != .bytesPerClaim {
            #expect(after[figure] == before[figure])
            #expect(after.source(of: figure) == before.source(of: figure))
        }
    }
}
