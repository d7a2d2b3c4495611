import Testing

@testable import NationalRegistry

@Suite("Lists that verbs read page by page")
struct PagedListTests {
    /// Reads a list of the numbers 0, 1, … `count` - 1 as a verb does.
    private func read(_ count: Int, limit: Int?) async throws -> (rows: [Int], sizes: [Int], next: String?) {
        var (rows, sizes) = ([Int](), [Int]())
        let next = try await PagedList.read(limit: limit) { after, limit -> (rows: [Int], next: String?) in
            let start = after.flatMap { Int($0) } ?? 0
            let end = min(count, start + limit)
            return (Array(start..<end), end - start == limit ? "\(end)" : nil)
        } take: { page, isFirst in
            #expect(isFirst == sizes.isEmpty)
            sizes.append(page.count)
            rows += page
        }
        return (rows, sizes, next)
    }

    @Test(
        "without a limit all is read, and nothing follows",
        arguments: [(0, [0]), (1, [1]), (999, [999]), (1_000, [1_000, 0]), (2_500, [1_000, 1_000, 500])])
    func all(count: Int, sizes: [Int]) async throws {
        let found = try await read(count, limit: nil)

        #expect(found.rows == Array(0..<count))
        #expect(found.sizes == sizes)
        #expect(found.next == nil)
    }

    @Test(
        "a limit ends it, and says where it goes on",
        arguments: [
            (2_500, 1, [1], "1"), (2_500, 1_000, [1_000], "1000"), (2_500, 1_500, [1_000, 500], "1500"),
            (2_500, 3_000, [1_000, 1_000, 500], nil),
        ] as [(Int, Int, [Int], String?)])
    func limited(count: Int, limit: Int, sizes: [Int], next: String?) async throws {
        let found = try await read(count, limit: limit)

        #expect(found.rows == Array(0..<min(count, limit)))
        #expect(found.sizes == sizes)
        #expect(found.next == next)
    }
}
