import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import Hummingbird
import RegistryStore
import Replication
import VoucherDomain
import WebConsole

extension ConsoleRoutes {
    /// What an operator sees first.
    func overview(_ visit: Visit) async throws -> Response {
        async let adding = figures.figures()
        let cities = try await store.cityHealth()
        var filter = RegistryStore.ClaimFilter()
        filter.isNewestFirst = true
        let latest = try await store.claims(filter, after: nil, limit: 12)
        let now = WallClock.now
        let figures = try await adding
        let stopped = figures.totals.filter { [.refused, .held].contains($0.state) }
        let silent = cities.filter { CityTile($0, now: now).level != "" }
        return try pages.page(
            "overview", title: "overview", visit.frame,
            [
                "claims": number(figures.totals.reduce(0) { $0 + $1.count }),
                "claimed": money(figures.totals.map(\.claimed)),
                "stopped": number(stopped.reduce(0) { $0 + $1.count }), "stopped_money": money(stopped.map(\.claimed)),
                "open_cases": number(figures.openCases.count), "case_money": figures.openCases.claimed.grouped,
                "cities": number(cities.count), "troubled_cities": number(silent.count),
                "feed": number(Int(try await store.feedHead().position)),
                "taken_at": time(Int64(figures.takenAt)),
                "days_chart": daysChart(figures, visit), "rules_chart": rulesChart(figures, visit),
                "latest": latest.map { claimRow($0, visit) }, "has_latest": !latest.isEmpty,
            ])
    }

    private func daysChart(_ figures: FigureCache.Figures, _ visit: Visit) -> [String: Any] {
        let today = CalendarDate.inChina(milliseconds: Int64(figures.takenAt))
        let bars = (0..<Int32(FigureCache.days)).map { index in
            let day = CalendarDate(rawValue: today.rawValue - Int32(FigureCache.days) + 1 + index)
            let counts = figures.days.filter { $0.day == day }
            func sum(_ states: Outcome.Decision...) -> Double {
                Double(counts.filter { states.contains($0.state) }.reduce(0) { $0 + $1.count })
            }
            return BarChart.Bar(
                label: String(day.iso8601.suffix(5)),
                parts: [
                    sum(.reserved, .authorized, .paid), sum(.held), sum(.refused), sum(.withdrawn, .reversed),
                ])
        }
        let series = [
            ("state_reserved", "good"), ("state_held", "warn"), ("state_refused", "bad"), ("state_withdrawn", "still"),
        ].map { BarChart.Series(name: text($0.0, visit), color: $0.1) }
        return BarChart(title: text("claimsByDay", visit), series: series, bars: bars).values
    }

    private func rulesChart(_ figures: FigureCache.Figures, _ visit: Visit) -> [String: Any] {
        let bars = figures.rules.prefix(10).map {
            BarChart.Bar(label: ruleName($0.rule, visit), parts: [Double($0.claimed.rawValue) / 100])
        }
        let series = [BarChart.Series(name: text("claimed", visit), color: "bad")]
        return BarChart(title: text("stoppedByRule", visit), series: series, bars: bars, isHorizontal: true)
            .values
    }

    // MARK: Cities

    func cities(_ visit: Visit) async throws -> Response {
        let now = WallClock.now
        let totals = Dictionary(grouping: try await store.stateTotals(), by: \.city)
        let rows = try await store.cityHealth().map { city -> [String: Any] in
            let (tile, summary) = (CityTile(city, now: now), city.summary)
            let own = totals[summary.code] ?? []
            let key = summary.keyUntil.map { pages.shown($0, now: now, in: visit.language) }
            return [
                "code": summary.code.description, "name": summary.name, "level": tile.level,
                "status": text("city_\(summary.status)", visit),
                "note": tile.notes.map { text($0, visit) }.joined(separator: " · "), "has_note": !tile.notes.isEmpty,
                "entries": number(Int(summary.logSequence)), "undecided": number(Int(summary.undecided)),
                "feed_lag": number(Int(summary.feedLag)),
                "decided": number(own.reduce(0) { $0 + $1.count }),
                "refused": number(own.filter { $0.state == .refused }.reduce(0) { $0 + $1.count }),
                "refused_path": "/console/claims?city_code=\(summary.code)&state=refused",
                "last_contact": summary.lastContact.map { time(Int64($0)) } ?? "–",
                "watermark": city.watermark == 0 ? "–" : time(Int64(clamping: city.watermark)),
                "sealed": city.sealedFeed.map { number(Int($0)) } ?? "–",
                "agreement": text(
                    city.agrees.map { $0 ? "agrees" : "differs" } ?? "notYet", visit),
                "agreement_level": city.agrees.map { $0 ? "good" : "bad" } ?? "",
                "epoch": "\(summary.epochCounter)",
                "software": summary.software.isEmpty ? "–" : summary.software,
                "protocol": summary.protocolVersion.map { "\($0)" } ?? "–", "key": city.keyFingerprint,
                "key_until": key?.day ?? "–", "has_key": key != nil, "key_words": key?.words ?? "",
                "key_level": key?.level ?? "",
            ]
        }
        let certificate = pages.shown(tls.certificate(), now: now, in: visit.language)
        let authority = tls.authority.map { pages.shown($0, now: now, in: visit.language) }
        return try pages.page(
            "cities", title: "cities", visit.frame,
            [
                "cities": rows, "has_cities": !rows.isEmpty,
                "certificate_until": certificate.day, "certificate_words": certificate.words,
                "certificate_level": certificate.level,
                "certificate_care": text(tls.isRenewed ? "certificateRenewed" : "certificateOwn", visit),
                "authority_until": authority?.day ?? text("authorityElsewhere", visit),
                "has_authority": authority != nil, "authority_words": authority?.words ?? "",
                "authority_level": authority?.level ?? "",
            ])
    }

    // MARK: Recovery

    func recovery(_ visit: Visit) async throws -> Response {
        let report = try await store.recoveryReport()
        func row(_ message: String) -> [String: Any] { ["words": said(message, visit)] }
        let lost = try await store.lostMembers().map { row($0.message) }
        let refused = try await store.refusedFeeds().map { row($0.message) }
        let frozen = try await store.frozenPayments().map { row($0.message) }
        let cities = report?.cities.map { city -> [String: Any] in
            let state =
                city.absenceReason != nil
                ? "absent" : city.isComplete ? "allIsBack" : city.hasPromised ? "givingBack" : "waitedFor"
            return [
                "code": city.code.description, "name": city.name, "state": text(state, visit),
                "level": city.isComplete ? "good" : city.absenceReason != nil ? "warn" : "bad",
                "log_has": number(Int(city.logHas)), "log_wants": city.logWants.map { number(Int($0)) } ?? "?",
                "feed_wants": city.feedWants.map { number(Int($0)) } ?? "?", "why": city.absenceReason ?? "",
            ]
        }
        return try pages.page(
            "recovery", title: "recoveryTitle", visit.frame,
            [
                "is_recovering": report != nil, "reason": report.map { said($0.reason, visit) } ?? "",
                "problem": report?.problem.map { said($0, visit) } ?? "", "has_problem": report?.problem != nil,
                "phase": report.map { text("phase_\($0.phase)", visit) } ?? "",
                "incarnation": "\(report?.incarnation ?? 0)", "feed_has": number(Int(report?.feedHas ?? 0)),
                "cities": cities ?? [], "lost": lost, "has_lost": !lost.isEmpty, "refused": refused,
                "has_refused": !refused.isEmpty, "frozen": frozen, "has_frozen": !frozen.isEmpty,
            ])
    }
}

/// How a city stands, for operators who look for what needs them.
private struct CityTile {
    /// `bad`, `warn`, or empty when all is well.
    private(set) var level = ""
    /// The phrases' keys of what is not well.
    private(set) var notes: [String] = []

    /// Milliseconds of silence after which somebody should look.
    private static let silence: UInt64 = 15 * 60_000
    private static let longSilence: UInt64 = 24 * 3_600_000

    init(_ city: RegistryStore.CityHealth, now: UInt64) {
        if city.agrees == false { note("noteDiffers", "bad") }
        if city.summary.status == "suspended" { note("noteSuspended", "bad") }
        guard city.summary.status != "enrolled" else {
            note("noteNotJoined", "warn")
            return
        }
        let quiet = city.summary.lastContact.map { now - min($0, now) } ?? .max
        if quiet > CityTile.longSilence {
            note("noteLongSilent", "bad")
        } else if quiet > CityTile.silence {
            note("noteSilent", "warn")
        }
        if city.summary.undecided > 0 { note("noteUndecided", "warn") }
        switch city.summary.keyUntil?.stage(now: now) {
        case .over: note("noteKeyOver", "bad")
        case .ending: note("noteKeyEnding", "warn")
        case .current, nil: break
        }
    }

    private mutating func note(_ key: String, _ level: String) {
        notes.append(key)
        if self.level != "bad" { self.level = level }
    }
}
