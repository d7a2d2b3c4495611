import Testing

/// What people and machines get wrong, against real processes: each mistake is named where it was made, ends with the
/// right exit code or problem document, and leaves nothing half done.
///
/// One registry with its private PostgreSQL serves the whole suite; each test makes a city of its own. Serialized:
/// some tests stop what the others need.
@Suite("Bad input", .serialized, .badInputFederation)
struct BadInputTests {}
