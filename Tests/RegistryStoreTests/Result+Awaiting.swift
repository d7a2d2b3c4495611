extension Result where Failure == any Error {
    /// What the body returned or threw, kept until later.
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
