import Replication
import VoucherDomain

extension Checker {
    /// I6: what the registry has of a log is gapless and chained, with one hash a sequence; epochs never go back; and the
    /// node that goes on has the very same log.
    package static let logsAreGapless = Checker("I6") { history in
        var logs: [CityCode: [EntryFact]] = [:]
        var faults: [String] = []
        for (fact, _) in history.received {
            let last = logs[fact.city]?.last
            if fact.sequence != (last?.sequence ?? 0) + 1 {
                faults.append("\(fact.city)/\(fact.sequence) follows \(last?.sequence ?? 0)")
            }
            if let last, fact.previousHash != last.hash {
                faults.append("\(fact.city)/\(fact.sequence) has another past")
            }
            if let last, fact.epoch < last.epoch { faults.append("\(fact.city)/\(fact.sequence) has an older epoch") }
            logs[fact.city, default: []].append(fact)
        }
        for node in history.end?.nodes ?? [] where node.log != logs[node.city] ?? [] {
            faults.append("the log of \(node.id) is not what the registry has of city \(node.city)")
        }
        return faults
    }

    /// I7: clocks rise in a log, and nothing is filed before the city's own promise, or the entry is rejected.
    package static let clocksRise = Checker("I7") { history in
        var times: [CityCode: HybridTime] = [:]
        var promises: [CityCode: HybridTime] = [:]
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .received(let fact, _, isRejected: false):
                if let time = times[fact.city], fact.time <= time {
                    faults.append("the clock of \(fact.city)/\(fact.sequence) does not rise")
                }
                if let promise = promises[fact.city], fact.time < promise {
                    faults.append("\(fact.city)/\(fact.sequence) is filed before its city's promise")
                }
                times[fact.city] = fact.time
            case .promised(let city, let time):
                if let promise = promises[city], time < promise { faults.append("the promise of \(city) sank") }
                promises[city] = time
            default: break
            }
        }
        return faults
    }

    /// I22: an epoch is granted to one process, counters rise by one, only what holds the last grant is pushed, and no city
    /// has an entry under an epoch that it was never granted.
    package static let oneLiveHolder = Checker("I22") { history in
        var last: [CityCode: Epoch] = [:]
        var processes: [Epoch: [UInt8]] = [:]
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .granted(let city, let epoch, let process):
                if let before = last[city], epoch.counter != before.counter + 1 {
                    faults.append("epoch \(epoch.counter) of \(city) follows \(before.counter)")
                }
                if let other = processes[epoch], other != process {
                    faults.append("\(city): one epoch for two processes")
                }
                processes[epoch] = process
                last[city] = epoch
            case .pushed(let city, let epoch) where last[city] != epoch:
                faults.append("\(city) pushed under epoch \(epoch.counter), \(last[city]?.counter ?? 0) is granted")
            case .received(let fact, _, _) where fact.city != .registry && processes[fact.epoch] == nil:
                faults.append("\(fact.city)/\(fact.sequence) has epoch \(fact.epoch.counter), which was never granted")
            default: break
            }
        }
        return faults
    }

    /// Replication stops only where a copy of the store was in play: no fault of the network, of clocks or of processes
    /// may stop a city for good.
    package static let noFalseAlarm = Checker("alarm") { history in
        var touched: Set<NodeID> = []
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .fault(.clone), .fault(.restore), .fault(.unmarkedCopy), .fault(.diskGone): touched.insert(moment.node)
            case .alarm(let city, let why):
                let isExcused = touched.contains(moment.node) || history.wasCloned(city)
                if !isExcused { faults.append("\(moment.node) of \(city) stopped without cause: \(why)") }
            default: break
            }
        }
        return faults
    }
}

extension History {
    /// Whether more than one node spoke for a city.
    fileprivate func wasCloned(_ city: CityCode) -> Bool {
        var nodes: Set<NodeID> = []
        for moment in moments {
            if case .appended(let fact) = moment.event, fact.city == city { nodes.insert(moment.node) }
            if case .alarm(let other, _) = moment.event, other == city { nodes.insert(moment.node) }
        }
        return nodes.count > 1
    }
}
