extension [String] {
    /// Each element once, where it stands first.
    var removingRepeats: [String] {
        reduce(into: []) { kept, element in if !kept.contains(element) { kept.append(element) } }
    }
}
