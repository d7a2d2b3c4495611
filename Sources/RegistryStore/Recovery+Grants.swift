import PostgresClient
import Replication
import VoucherDomain

/// Grants that were lost with the database: the one that a city's node holds must be the one that its next hello follows, or
/// an older node with the city's key could follow the one before.
extension Recovery {
    /// A grant that is told of.
    ///
    /// - Parameter processNonce: The process that holds it; anything but a nonce is nobody that is known.
    func noteGrant(_ epoch: Epoch, to city: CityCode, heldBy processNonce: [UInt8]) throws {
        try session.queue(
            """
            UPDATE city SET granted_epoch = $2, process_nonce = $3
            WHERE city_code = $1 AND coalesce(granted_epoch < $2 OR granted_epoch = $2 AND process_nonce IS NULL, true)
            """,
            [
                .int4(Int32(city.rawValue)), .bytea(epoch.bytes), .bytea(processNonce.count == 16 ? processNonce : nil),
            ])
    }

    /// An epoch under which the city has written: it was granted before this recovery began. A city's own word can spoil no
    /// more than its own log, and leaves room to count on.
    func noteGrant(writtenUnder epoch: Epoch) throws {
        let begins = try session.execute("SELECT recovery_incarnation FROM registry")
        guard Int64(epoch.incarnation) < begins.int(0, 0), epoch.counter < UInt32(Int32.max) else { return }
        try noteGrant(epoch, to: city, heldBy: [])
    }
}
