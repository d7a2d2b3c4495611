/// How many single edits or swaps of neighbours turn one identifier into another.
enum EditDistance {
    /// The optimal string alignment distance, or `nil` when it is more than `limit`. Works in a band along the diagonal.
    ///
    /// - Parameter limit: 0 to 3.
    static func between<Symbol: Equatable>(_ left: [Symbol], _ right: [Symbol], atMost limit: Int) -> Int? {
        guard abs(left.count - right.count) <= limit else { return nil }
        if left == right { return 0 }
        let far = limit + 1
        var twoBefore = [Int](repeating: far, count: right.count + 1)
        var before = (0...right.count).map { min($0, far) }
        for i in 1...max(1, left.count) where i <= left.count {
            var row = [Int](repeating: far, count: right.count + 1)
            row[0] = min(i, far)
            let (first, last) = (max(1, i - limit), min(right.count, i + limit))
            if first <= last {
                for j in first...last {
                    var cost = before[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                    cost = min(cost, before[j] + 1, row[j - 1] + 1)
                    if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                        cost = min(cost, twoBefore[j - 2] + 1)
                    }
                    row[j] = min(cost, far)
                }
            }
            (twoBefore, before) = (before, row)
        }
        return before[right.count] <= limit ? before[right.count] : nil
    }
}
