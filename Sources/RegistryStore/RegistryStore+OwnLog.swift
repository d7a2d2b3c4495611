package import FederationWire
import PostgresClient
import Replication
package import VoucherDomain

extension RegistryStore {
    /// What the registry has of a city's own log after a head: whole batches, at least one when there is one; and who holds
    /// the log.
    ///
    /// - Throws: ``RegistryRefusal`` `.diverged` when the registry has another entry there, `.recovering` while it is
    ///   getting back what it has lost.
    package func ownLog(_ request: LogRequest, of city: CityCode) async throws -> LogPage {
        try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                try RegistryRow.read(session).requireOpen()
                let after = PostgresParameter.int8(Int64(clamping: request.after.sequence))
                let code = PostgresParameter.int4(Int32(city.rawValue))
                let row = try CityRow.read(city, session)
                let known = try session.execute(
                    "SELECT hash FROM entry WHERE city_code = $1 AND sequence = $2", [code, after])
                // A city that is ahead lacks nothing.
                guard
                    request.after.sequence == 0 || request.after.sequence > row?.head.sequence ?? 0
                        || known.count == 1 && known.bytes(0, 0) == request.after.hash.rawValue
                else {
                    throw RegistryRefusal(
                        .diverged, "the registry has another entry \(request.after.sequence) of this city's log")
                }
                var page = LogPage(
                    entries: [], receipts: [], grantedEpoch: row?.grantedEpoch, processNonce: row?.processNonce ?? [])
                // A batch is taken while those before it are below the limits.
                let batches = try session.execute(
                    """
                    SELECT last_sequence, receipt_body, receipt_signature FROM (
                        SELECT *, sum(last_sequence - greatest(first_sequence, $2 + 1) + 1) OVER earlier AS entries_before,
                            sum(entry_bytes) OVER earlier AS bytes_before
                        FROM (SELECT * FROM batch WHERE city_code = $1 AND last_sequence > $2
                            ORDER BY last_sequence LIMIT 1000) AS next
                        WINDOW earlier AS (ORDER BY last_sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS b
                    WHERE coalesce(entries_before, 0) < $3 AND coalesce(bytes_before, 0) < $4 ORDER BY last_sequence
                    """, [code, after, .int8(Int64(request.limit)), .int8(Int64(PushBatch.maximumBytes / 2))])
                guard batches.count > 0 else { return page }
                let rows = try session.execute(
                    "SELECT bytes FROM entry WHERE city_code = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence",
                    [code, after, .int8(batches.int(batches.count - 1, 0))])
                page.entries = try (0..<rows.count).map { try EntryCoding.decode(rows.bytes($0, 0)) }
                page.receipts = (0..<batches.count).map {
                    SignedBytes(body: batches.bytes($0, 1), signature: batches.bytes($0, 2))
                }
                return page
            }
        }
    }
}
