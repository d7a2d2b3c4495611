import Failpoints
package import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
package import VoucherDomain

extension CityStore {
    /// Makes this store the node of a city, under the first grant.
    ///
    /// - Parameters:
    ///   - isRestored: Whether the registry has a log of the city already, which this store is to get back first.
    ///   - membership: The registry's ``Membership`` for the city's key, its signature verified.
    /// - Throws: ``StoreRefusal`` `.alreadyJoined` when it is one already.
    package func establish(
        _ identity: NodeIdentity, epoch: Epoch, processNonce: [UInt8], isRestored: Bool = false,
        membership: SignedBytes? = nil
    ) throws {
        try pool.write { database in
            if let city = try Int.fetchOne(database.cachedStatement(sql: "SELECT city_code FROM node")) {
                throw StoreRefusal(.alreadyJoined, "this store is the node of city \(city) already")
            }
            try database.run(
                sql: """
                    INSERT INTO node (only_row, city_code, city_name, registry_url, registry_key, trust_anchor,
                        key_epoch, federation_secret, detail_key, epoch, hello_nonces, log_hash, feed_hash,
                        restored, membership_body, membership_signature)
                    VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    identity.city.rawValue, identity.cityName, identity.registryURL, Data(identity.registryKey.bytes),
                    Data(identity.trustAnchor), identity.keyEpoch, Data(identity.federationSecret),
                    Data(identity.detailKey), Data(epoch.bytes), Data(processNonce), Data(Digest.zero.rawValue),
                    Data(Digest.zero.rawValue), isRestored, membership.map { Data($0.body) },
                    membership.map { Data($0.signature) },
                ])
        }
    }

    /// - Returns: `nil` before the node has joined.
    package func identity() throws -> NodeIdentity? {
        try pool.read { database in
            guard let row = try Row.fetchOne(database.cachedStatement(sql: "SELECT * FROM node")) else { return nil }
            guard let city = CityCode(rawValue: row["city_code"]), let key = PublicKey(bytes: row.bytes("registry_key"))
            else { throw StoreRefusal(.damaged, "the node's own row is damaged") }
            return NodeIdentity(
                city: city, cityName: row["city_name"], registryURL: row["registry_url"], registryKey: key,
                trustAnchor: row.bytes("trust_anchor"), keyEpoch: row["key_epoch"],
                federationSecret: row.bytes("federation_secret"), detailKey: row.bytes("detail_key"))
        }
    }

    /// The most nonces that a store remembers to have sent since a grant, the newest: 1 KiB.
    private static let maximumSentNonces = 64

    /// The hello of a process, which names the epoch that was adopted last; and the promise to remember its nonce: kept before
    /// the hello is sent, so that a grant whose answer is lost is still recognised as ours.
    ///
    /// - Parameter compared: The registry's head of this log, where it was compared with this store.
    package func prepareHello(processNonce: [UInt8], compared: LogHead? = nil) throws -> Hello {
        try pool.write { database in
            let cursors = try NodeCursors.read(database)
            let sent = cursors.sentNonces.filter { $0 != processNonce } + [processNonce]
            let recent = SeededBug.helloNonceForgotten.isActive ? [] : sent.suffix(CityStore.maximumSentNonces)
            let kept = [cursors.grantedNonce] + recent
            try database.run(sql: "UPDATE node SET hello_nonces = ?", arguments: [Data(kept.joined())])
            return Hello(
                versions: dialect.versions, city: cursors.city, processNonce: processNonce,
                epoch: cursors.epoch,
                // A store that was put back may have gone on beside the log: the registry knows what it gave a receipt for.
                logHead: cursors.isRestored ? try CityStore.receivedHead(database) : cursors.logHead,
                feedHead: cursors.feedHead, promise: cursors.promise,
                recoveryID: try CityStore.keptCall(database).map { try RecoveryCall(kept: $0.body).recoveryID } ?? [],
                compared: compared)
        }
    }

    /// The hello that follows one which was fenced: it names the epoch that was granted last, where that is this store's to
    /// follow. It is when the process that holds it asked for it on behalf of this store, since the grant that was adopted
    /// last, and has written nothing that this store lacks: the answer was lost. Or when the operator has put the store back,
    /// and so says that no other node of the city is to go on.
    ///
    /// - Parameter holder: What the registry has of the log after this store's head, and who holds it. It need not be
    ///   believed: a hello that names another epoch than the last one changes nothing.
    /// - Returns: `nil` when another node holds the log: this one must stop.
    package func hello(after hello: Hello, followingThatOf holder: LogPage) throws -> Hello? {
        let cursors = try pool.read { try NodeCursors.read($0) }
        guard let epoch = holder.grantedEpoch, epoch != hello.epoch,
            cursors.isRestored || holder.entries.isEmpty && cursors.sentNonces.contains(holder.processNonce)
        else { return nil }
        return Hello(
            versions: hello.versions, city: hello.city, processNonce: hello.processNonce, epoch: epoch,
            logHead: hello.logHead, feedHead: hello.feedHead, promise: hello.promise, recoveryID: hello.recoveryID,
            compared: hello.compared)
    }

    // MARK: The registry's record of this log

    /// The entry after which the registry is asked, before the first hello of a process, what it has of this log. A
    /// store that another one of the city has outrun must not greet: under the epoch of both, which the other one still
    /// holds, it would be granted the next one, and fence it.
    ///
    /// - Returns: `nil` when there is nothing to ask: the process holds the grant, or the store was put back and gets
    ///   the registry's record anyway.
    package func headToCompare(processNonce: [UInt8]) throws -> LogHead? {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            guard !cursors.isRestored, cursors.grantedNonce != processNonce else { return nil }
            return try CityStore.receivedHead(database)
        }
    }

    /// Compares what the registry has of this log after a head with what this store has there. Entries that were
    /// pushed, and whose answer was lost, are in both.
    ///
    /// - Returns: The head after which the registry is asked next; `nil` when it has no more, or is one that the city
    ///   has outlived: that one refuses the hello, and is to be told so.
    /// - Throws: ``StoreRefusal`` `.damaged` when the registry has an entry that this log has not, or has otherwise.
    package func compare(_ record: LogPage, after head: LogHead) throws -> LogHead? {
        try pool.read { database in
            let cursors = try NodeCursors.read(database)
            let newest = max(cursors.promise, cursors.epoch.incarnation)
            if let granted = record.grantedEpoch, granted.incarnation < newest { return nil }
            for (sequence, entry) in zip((head.sequence + 1)..., record.entries) {
                try CityStore.compare(entry.hash, at: sequence, database)
            }
            return record.entries.last?.head
        }
    }

    /// The registry's record of this log must be a part of it: a store that is behind is an old backup or a copy.
    ///
    /// - Throws: ``StoreRefusal`` `.damaged` when this log has not that head, or has another entry there.
    package func compare(_ head: LogHead) throws {
        guard head.sequence > 0 else { return }
        try pool.read { try CityStore.compare(head.hash, at: head.sequence, $0) }
    }

    private static func compare(_ hash: Digest, at sequence: UInt64, _ database: Database) throws {
        guard try CityStore.hash(at: sequence, database) != hash else { return }
        throw StoreRefusal(
            .damaged,
            "the registry has entry \(sequence) of this city's log and this store has not, or has another: "
                + "the store is an old backup or a copy; \(HelloReview.adviceOnCopies)")
    }

    /// Takes over the epoch that was granted; entries from now on are written under it.
    ///
    /// A new epoch's first entry notes that a process has started, in the same transaction: a cloned store's log
    /// forks there at once. What was set aside follows it.
    ///
    /// - Parameters:
    ///   - registryTime: The registry's clock, milliseconds since 1970. A restored store does not know what its city has
    ///     promised in reports without entries since the backup; whatever it was, the registry has believed no promise
    ///     further ahead of its clock than ``PushReview/clockTolerance``, and entries from now on are later.
    ///   - keyUntil: When the city's key is to have been replaced; kept for the officer. `nil` leaves what is known.
    package func adopt(
        _ grant: Grant, software: String, now: UInt64, registryTime: UInt64 = 0, keyUntil: Expiry? = nil
    ) throws {
        try pool.write { database in
            let cursors = try NodeCursors.read(database)
            let isNew = cursors.epoch != grant.epoch
            // Whatever the answer said, entries have times left before the last one that is taken.
            let latest = PushReview.latestTime - 1 - PushReview.clockTolerance
            let promised =
                cursors.isRestored && !SeededBug.restoredPromiseForgotten.isActive
                ? HybridTime(milliseconds: min(registryTime, latest) + PushReview.clockTolerance) : .zero
            try database.run(
                sql: """
                    UPDATE node SET epoch = ?, hello_nonces = ?, last_contact_ms = ?, alarm = NULL, restored = 0,
                        log_time = max(log_time, ?), key_until_ms = coalesce(?, key_until_ms)
                    """,
                arguments: [
                    Data(grant.epoch.bytes), Data(grant.processNonce), Int64(now), Int64(bitPattern: promised.rawValue),
                    keyUntil.map { Int64(clamping: $0.rawValue) },
                ])
            guard isNew else { return }
            let payload = PayloadCoding.encodeNodeStart(processNonce: grant.processNonce, software: software)
            try CityStore.append(.nodeStarted, payload, database, now: now)
            try CityStore.appendSetAside(database, now: now)
            Failpoint.reach(.grantUncommitted)
        }
        Failpoint.reach(.grantCommitted)
    }

    /// Why replication has stopped, if it has: kept, so that a store that was told to stop does not file again after
    /// a restart.
    package func alarm() throws -> String? {
        try pool.read { try String.fetchOne($0.cachedStatement(sql: "SELECT alarm FROM node")) }
    }

    /// Keeps the reason until ``adopt(_:software:now:registryTime:keyUntil:)`` or
    /// ``rekey(_:epoch:processNonce:membership:)``.
    package func set(alarm: String) throws {
        try pool.write { try $0.run(sql: "UPDATE node SET alarm = ?", arguments: [alarm]) }
    }

    /// Takes over a new key's welcome for the same city, after `rotate-key` at the registry.
    ///
    /// - Parameter membership: The registry's ``Membership`` for the new key, its signature verified.
    /// - Throws: ``StoreRefusal`` `.conflict` when the token is for another city, or when the grant is below the epoch
    ///   that this store has or the incarnation that it has promised: the log could not go on under it. Nothing has
    ///   changed then.
    package func rekey(
        _ identity: NodeIdentity, epoch: Epoch, processNonce: [UInt8], membership: SignedBytes? = nil
    ) throws {
        try pool.write { database in
            let cursors = try NodeCursors.read(database)
            guard cursors.city == identity.city else {
                throw StoreRefusal(.conflict, "the token is for another city")
            }
            guard epoch >= cursors.epoch, epoch.incarnation >= cursors.promise else {
                let held = max(cursors.epoch.incarnation, cursors.promise)
                throw StoreRefusal(
                    .conflict,
                    "incarnation \(epoch.incarnation) of the registry grants epoch \(epoch.counter), and this store has "
                        + "epoch \(cursors.epoch.counter) of incarnation \(held): an old server answers, or its "
                        + "database was put back; its operators must run national-registry recovery begin, then join "
                        + "again")
            }
            try database.run(
                sql: """
                    UPDATE node SET registry_url = ?, trust_anchor = ?, key_epoch = ?, federation_secret = ?,
                        detail_key = ?, epoch = ?, hello_nonces = ?, alarm = NULL, key_until_ms = NULL,
                        membership_body = ?, membership_signature = ?
                    """,
                arguments: [
                    identity.registryURL, Data(identity.trustAnchor), identity.keyEpoch,
                    Data(identity.federationSecret), Data(identity.detailKey), Data(epoch.bytes), Data(processNonce),
                    membership.map { Data($0.body) }, membership.map { Data($0.signature) },
                ])
        }
    }
}
