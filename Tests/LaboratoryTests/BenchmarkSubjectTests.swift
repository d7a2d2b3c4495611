import BenchmarkSubjects
import Foundation
import Testing

@Suite("Subjects of the micro-benchmarks")
struct BenchmarkSubjectTests {
    @Test("each does the same work every time, and none where none is asked for", arguments: BenchmarkSubjects.all)
    func repeated(subject: BenchmarkSubject) {
        let once = subject.run(1)

        #expect(once > 0)
        #expect(subject.run(2) == 2 * once)
        #expect(subject.run(0) == 0)
    }

    @Test("thresholds are those of subjects")
    func thresholds() throws {
        struct File: Decodable { let instructions: [String: Int] }
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Benchmarks/thresholds.json")
        let kept = try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).instructions
        let names = BenchmarkSubjects.all.map(\.name)

        #expect(Set(names).count == names.count)
        #expect(Set(kept.keys).isSubset(of: names))
        #expect(kept.values.allSatisfy { $0 > 0 })
    }
}
