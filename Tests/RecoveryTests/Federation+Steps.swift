import Arbitration
import CityStore
import RegistryStore
import Replication
import Simulation
import VoucherDomain

/// The safety phase: one step after the other, each drawn by the seed.
extension Federation {
    private enum Step: CaseIterable {
        case file, withdraw, request, pay, sync, decide, tick, offline, restart, suspend, join, publish, silence
        case backUpCity, putCityBack, backUp, restore, stopOld, acceptAbsence

        /// How often it is drawn, relative to the others.
        var weight: Int {
            switch self {
            case .file: 10
            case .withdraw: 2
            case .request: 5
            case .pay: 5
            case .sync: 24
            case .decide: 12
            case .tick: 7
            case .offline: 2
            case .restart: 2
            case .suspend: 1
            case .join: 1
            case .publish: 1
            case .silence: 3
            case .backUpCity: 1
            case .putCityBack: 1
            case .backUp: 3
            case .restore: 3
            case .stopOld: 2
            case .acceptAbsence: 2
            }
        }

        static let drawn = allCases.flatMap { Array(repeating: $0, count: $0.weight) }
    }

    func runSteps() async throws {
        let count = schedule.number(in: 25...70)
        for index in 1...count {
            now += schedule.number(in: 200...20_000)
            if backups.isEmpty, index * 3 > count { try await backUp() }
            if registries.count == 1, index * 3 > 2 * count { try await restore() }
            try await perform(schedule.pick(Step.drawn) ?? .sync)
        }
    }

    private func perform(_ step: Step) async throws {
        switch step {
        case .file, .withdraw, .request, .pay, .sync, .offline, .restart, .backUpCity, .putCityBack:
            guard let city = schedule.pick(cities) else { return }
            note("\(step) \(city.code)")
            do { try await perform(step, at: city) } catch let refusal as StoreRefusal {
                note("  the store refuses: \(refusal.message)")
            }
        case .decide: try await decide(schedule.pick(living) ?? newest)
        case .tick: try await tick(schedule.pick(living) ?? newest)
        case .suspend: try await suspend()
        case .join: if cities.count < 6 { note("join"); try await join() }
        case .publish: try await publish()
        case .silence: now += 65_000
        case .backUp: try await backUp()
        case .restore: try await restore()
        case .stopOld: stopOld()
        case .acceptAbsence: try await acceptAbsence()
        }
    }

    private func perform(_ step: Step, at city: RunCity) async throws {
        switch step {
        case .file: try file(city)
        case .withdraw:
            guard try city.isWritable(), let claim = schedule.pick(try city.store.claimStates()) else { return }
            try city.store.withdraw(claimNumber: claim.number, reason: "改正", now: now)
        case .request:
            for claim in try city.store.claimStates() where claim.state == "reserved" {
                guard try city.isWritable() else { return }
                try city.store.take(.request, ofClaim: claim.number, now: now)
            }
        case .pay: try advancePayments(city)
        case .sync: try await turn(city, pages: schedule.number(in: 0...4))
        case .offline: city.isOffline.toggle()
        case .restart: city.restart(nonce: schedule.bytes(16))
        case .backUpCity:
            let copy = try CityStore(inMemory: CityStore.randomEntryID)
            try copy.become(city.store)
            city.backup = copy
        case .putCityBack: try putBack(city)
        default: break
        }
    }

    private func file(_ city: RunCity) throws {
        guard try city.isWritable() else { return }
        if try city.store.logHead().sequence <= 1 { _ = try city.store.issueVouchers(Workload.vouchers, now: now) }
        let rows = (0..<schedule.number(in: 1...2)).map { _ in workload.claim() }
        _ = try city.store.fileClaims(rows, now: now)
    }

    /// Takes every released payment one step further; the bank is called once the registry holds the city's word.
    func advancePayments(_ city: RunCity) throws {
        guard try city.isWritable(), city.isLive else { return }
        for payment in try city.store.payments(limit: 200) {
            guard let reference = payment.reference, !payment.isStopped else { continue }
            switch payment.stage {
            case "released": try city.store.take(.submit, ofClaim: payment.claimNumber, now: now)
            case "submitted" where payment.isSubmissionReceived:
                try callBank(payment, reference, at: city)
                let record = PaymentAct.BankRecord(
                    transaction: reference.text, amount: payment.amount,
                    day: CalendarDate.inChina(milliseconds: Int64(Federation.start)))
                try city.store.take(.confirm(record), ofClaim: payment.claimNumber, now: now)
            default: break
            }
        }
    }

    private func callBank(_ payment: CityStore.PaymentView, _ reference: PaymentReference, at city: RunCity) throws {
        let claim = ClaimName(city: city.code, number: payment.claimNumber)
        let fields = try city.store.claim(payment.claimNumber)?.fields ?? [:]
        note("  the bank pays \(claim)")
        let invoices = (fields["invoice_numbers"] ?? "").split(separator: ";").map(String.init)
        if let fault = bank.pay(reference, for: claim, invoices: invoices) { faults.append(fault) }
    }

    // MARK: The registry

    func decide(_ registry: RunRegistry) async throws {
        let (count, trouble) = try await registry.decide()
        note("registry \(registry.number) decided \(count)\(trouble.map { ", then: \($0)" } ?? "")")
    }

    func tick(_ registry: RunRegistry) async throws {
        if try await registry.tick(now: now) { note("registry \(registry.number) ticked") }
    }

    private func suspend() async throws {
        guard let city = schedule.pick(cities), let registry = schedule.pick(living) else { return }
        let suspends = schedule.chance(0.5)
        note("registry \(registry.number) \(suspends ? "suspends" : "reinstates") \(city.code)")
        let refusal = try await registry.act {
            try await $0.setSuspended(suspends, city.code, reason: "test", now: now)
        }
        if let refusal { note("  refused: \(refusal.message)") }
    }

    private func publish() async throws {
        policyVersion += 1
        note("publish policy \(policyVersion)")
        let document = SmallPolicy.document(version: policyVersion)
        _ = try await newest.act { _ = try await $0.publish(policy: document, now: now) }
    }
}
