import Replication
import TestSupport
import Testing

@testable import Arbitration

@Suite("Edit distance")
struct EditDistanceTests {
    /// The optimal string alignment distance by its definition, over the whole matrix.
    private func wholeMatrix(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var cost = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for i in 0...left.count {
            for j in 0...right.count {
                if i == 0 || j == 0 {
                    cost[i][j] = i + j
                    continue
                }
                let replaced = cost[i - 1][j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                cost[i][j] = min(replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    cost[i][j] = min(cost[i][j], cost[i - 2][j - 2] + 1)
                }
            }
        }
        return cost[left.count][right.count]
    }

    private func mutated(_ text: [UInt8], times: Int, _ numbers: inout SeededGenerator) -> [UInt8] {
        var text = text
        for _ in 0..<times {
            let index = numbers.number(below: text.count + 1)
            switch numbers.number(below: 4) {
            case 0: text.insert(numbers.pick(Array("019".utf8)), at: index)
            case 1 where index < text.count: text.remove(at: index)
            case 2 where index < text.count: text[index] = numbers.pick(Array("019".utf8))
            case 3 where index + 1 < text.count: text.swapAt(index, index + 1)
            default: break
            }
        }
        return text
    }

    @Test("agrees with the whole matrix up to the limit, in both directions", arguments: UInt64(1)...8)
    func againstMatrix(seed: UInt64) {
        var numbers = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let left = Array(numbers.text(of: "019", count: numbers.number(below: 24)).utf8)
            let right =
                numbers.once(in: 4)
                ? Array(numbers.text(of: "019", count: numbers.number(below: 24)).utf8)
                : mutated(left, times: numbers.number(below: 6), &numbers)
            let distance = wholeMatrix(left, right)
            for limit in 0...3 {
                let expected = distance <= limit ? distance : nil

                #expect(EditDistance.between(left, right, atMost: limit) == expected, "\(left) \(right) \(limit)")
                #expect(EditDistance.between(right, left, atMost: limit) == expected, "\(right) \(left) \(limit)")
            }
        }
    }

    @Test(
        "edits, swaps and empty texts",
        arguments: [
            ("", "", 0), ("", "A", 1), ("A", "", 1), ("", "ABC", 3), ("ABC", "", 3), ("AB", "BA", 1),
            ("ABC", "ABC", 0), ("ABC", "AXC", 1), ("ABC", "AC", 1), ("ABC", "ABXC", 1), ("ABCD", "BADC", 2),
            ("CA", "ABC", 3), ("123456789", "234567891", 2), ("12345678", "18345672", 2),
        ])
    func examples(left: String, right: String, distance: Int) {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        for limit in 0...3 {
            let expected = distance <= limit ? distance : nil

            #expect(EditDistance.between(left, right, atMost: limit) == expected)
            #expect(EditDistance.between(right, left, atMost: limit) == expected)
        }
    }
}
