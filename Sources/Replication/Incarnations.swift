/// Which incarnation of the registry wrote which part of the feed: each from its first position on, until the next one's.
///
/// A position says nothing of its incarnation by itself; with this a position and a hash are a ``FeedHead`` again.
package struct Incarnations: Hashable, Sendable {
    private struct Start: Hashable {
        let number: UInt32
        let position: UInt64
    }

    /// In ascending order of both.
    private let starts: [Start]

    /// - Parameters:
    ///   - numbers: In ascending order, at least one.
    ///   - positions: The first position of each.
    package init(numbers: [UInt32], from positions: [UInt64]) {
        starts = zip(numbers, positions).map(Start.init)
    }

    /// The present one; 0 when there is none.
    package var current: UInt32 { starts.last?.number ?? 0 }

    /// The incarnation that wrote a position, or is to write it.
    package func at(_ position: UInt64) -> UInt32 {
        (starts.last { $0.position <= position } ?? starts.first)?.number ?? 0
    }

    /// The head of a feed that ends with this hash at this position.
    package func head(position: UInt64, hash: Digest) -> FeedHead {
        position == 0 ? .empty : FeedHead(incarnation: at(position), position: position, hash: hash)
    }
}
