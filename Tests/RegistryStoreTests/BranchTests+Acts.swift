import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What operators have done on a branch that is given up.
extension BranchTests {
    @Test("what the branch that is given up says of a city or in a list undoes nothing that the standing one says")
    func actsThatContradict() async throws {
        try await withBranches { registry, restored, cities in
            let city = cities.0
            var other = cities.1
            // On one it joins with another key, on the other it is suspended.
            let secret = try await restored.store.rotateKey(city.code, expiresAt: .later).secret
            let request = JoinRequest(
                city: city.code, secret: secret, publicKey: SigningKey.of(.beijing).publicKey,
                processNonce: .sixteen(3))
            _ = try await restored.store.join(request, now: .noon)
            try await registry.store.setSuspended(true, city.code, reason: "甲", now: .noon)
            for (each, code) in [(restored, CreditCode.buyer), (registry, CreditCode.supplier)] {
                let company = Register.Company(code: code, name: "", headOffice: nil, attributes: [])
                try await each.act(.companiesListed([company]))
            }
            try await restored.act(.enrolled(.guangzhou, name: "广州"))
            try await restored.decide()
            try await write(20, &other, registry)

            try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
            try await restored.expectRecovered()

            let row = try #require(try await restored.store.cities().first { $0.code == city.code })
            #expect(row.status == "suspended")
            // Nothing that stands tells of the other key.
            #expect(try await restored.store.credentials(of: city.code)?.key == SigningKey.of(city.code).publicKey)
            let kinds = try await restored.log(of: .registry).map(\.kind)
            #expect(kinds.filter { $0 == .cityJoined }.count == 2)
            #expect(kinds.filter { $0 == .companiesListed }.count == 1)
            #expect(try await actsGivenUp(restored) == 2)
            #expect(try await restored.store.cities().contains { $0.code == .guangzhou })
        }
    }

    @Test("a suspension that only a branch kept aside tells of is done again, though the city's key is registered anew")
    func suspensionAndShownKey() async throws {
        try await withBranches { registry, restored, cities in
            let other = cities.1
            let third = try await TestDatabase.current.copied()
            let another = TestRegistry(opening: third.pool)
            let key = SigningKey.of(.beijing)
            let secret = try await registry.store.rotateKey(.shenzhen, expiresAt: .later).secret
            let answer = try await registry.store.join(
                JoinRequest(city: .shenzhen, secret: secret, publicKey: key.publicKey, processNonce: .sixteen(5)),
                now: .noon)
            let membership = try Membership(#require(answer.membership), by: SigningKey.registry.publicKey)
            let city = TestCity(.shenzhen, key: key, epoch: membership.epoch, nonce: .sixteen(5))
            try await another.store.setSuspended(true, .shenzhen, reason: "甲", now: .noon)
            try await another.decide()
            // The database's own branch is the longer one, and says nothing of the city.
            try await restored.act(.enrolled(.guangzhou, name: "广州"))
            try await restored.act(.enrolled(.beijing, name: "北京"))
            try await restored.decide()

            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try #require(try await restored.store.meet(membership, now: .noon) == .heard)
            var givers = [try await GivingCity(city, of: registry), try await GivingCity(other, of: another)]
            try await giveBack(&givers, to: restored)
            try await restored.expectRecovered()

            let row = try #require(try await restored.store.cities().first { $0.code == .shenzhen })
            #expect(row.status == "suspended")
            #expect(try await restored.store.credentials(of: .shenzhen)?.key == key.publicKey)
            let code = CityCode.shenzhen.rawValue
            #expect(try await restored.numbers("SELECT active::int FROM member WHERE city_code = \(code)") == [0])
            #expect(try await actsGivenUp(restored) == 0)
            try await third.drop()
        }
    }

    @Test("an act that two branches have is done again once")
    func actOnTwoBranches() async throws {
        try await withBranches { registry, restored, cities in
            let city = cities.0
            var other = cities.1
            try await restored.act(.enrolled(.guangzhou, name: "广州"))
            try await restored.decide()
            try await write(6, &other, registry)
            try await beginRecovery(of: restored, from: [(city, registry), (other, registry)])
            // A registry that had taken it over once before has it on its own branch, too.
            try await restored.run(
                """
                INSERT INTO given_up_entry (hash, previous_hash, entry_id, sequence, kind, bytes, waits)
                SELECT decode(repeat('07', 32), 'hex'), decode(repeat('08', 32), 'hex'), entry_id, sequence + 1, kind, bytes,
                    waits
                FROM given_up_entry WHERE waits
                """)
            try #require(try await restored.numbers("SELECT count(*) FROM given_up_entry WHERE waits") == [2])

            try await restored.expectRecovered()

            #expect(try await restored.log(of: .registry).filter { $0.kind == .cityEnrolled }.count == 3)
            #expect(try await actsGivenUp(restored) == 0)
        }
    }

    @Test(
        "a ruling of the branch that was given up is made again where its case is still that one",
        arguments: [true, false])
    func rulings(hasCase: Bool) async throws {
        let registry = try await TestRegistry()
        var (city, other) = (try await registry.join(.shenzhen), try await registry.join(.hangzhou))
        try await registry.decide()
        var later = other
        let third = try await TestDatabase.current.copied()
        let another = TestRegistry(opening: third.pool)
        city.issue(.sample("V1"))
        city.file(
            .sample("A", invoices: [.serial(1)], receipt: "R1"), .sample("B", invoices: [.serial(2)], receipt: "R1"))
        try await city.push(to: registry)
        try await registry.decide()
        let copy = try await TestDatabase.current.copied()
        let restored = TestRegistry(opening: copy.pool)
        try await restored.rule(
            for: ClaimName(city: city.code, number: "A"), against: ClaimName(city: city.code, number: "B"))
        try await write(20, &other, registry)
        try await write(60, &later, another)

        var givers = try await beginRecovery(of: restored, from: [(city, registry), (other, registry)])
        try #require(try await restored.store.recoveryReport()?.phase == "rewinding")
        if !hasCase {
            // The tail that is chosen in the end leaves the feed before the case was opened.
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            givers[1] = try await GivingCity(later, of: another)
            try await giveBack(&givers, to: restored)
        }
        try await restored.expectRecovered()

        #expect(try await restored.log(of: .registry).filter { $0.kind == .caseRuled }.count == (hasCase ? 1 : 0))
        #expect(try await actsGivenUp(restored) == (hasCase ? 0 : 1))
        try await copy.drop()
        try await third.drop()
    }
}
