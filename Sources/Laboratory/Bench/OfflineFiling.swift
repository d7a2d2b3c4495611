import CityStore
import FederationHTTP
import Terminal
import VoucherDomain

/// Files straight at the store of a node that does not run, through the door that its API goes through, a thousand rows in a
/// transaction.
enum OfflineFiling {
    private static let rowsAtATime = 1_000

    /// Issues the generator's vouchers of a city, then files claims.
    ///
    /// - Parameter directory: The node's.
    /// - Throws: Also when a row is not recorded.
    static func file(
        claims: Int, by generator: inout ClaimGenerator, of city: CityCode, in directory: String
    ) throws {
        let store = try CityStore(directory: directory)
        let vouchers = generator.vouchers(city: city).map { FormRow(line: nil, fields: VoucherForm($0).fields) }
        for start in stride(from: 0, to: vouchers.count, by: rowsAtATime) {
            let rows = Array(vouchers[start..<min(start + rowsAtATime, vouchers.count)])
            try check(try store.issueVouchers(rows, now: WallClock.now))
        }
        var filed = 0
        while filed < claims {
            if filed > 0, filed.isMultiple(of: 100_000) { Output.note("\(filed) of \(claims) claims filed") }
            let rows = (0..<min(rowsAtATime, claims - filed)).compactMap { _ in generator.claim(city: city) }
                .map { FormRow(line: nil, fields: ClaimForm($0).filled) }
            try check(try store.fileClaims(rows, now: WallClock.now))
            filed += rows.count
        }
        try store.close()
    }

    private static func check(_ results: [FilingResult]) throws {
        guard let fault = results.first(where: { $0.outcome != .recorded }) else { return }
        throw Sample.Failure(message: "\(fault.number) was not recorded: \(fault.outcome)")
    }
}
