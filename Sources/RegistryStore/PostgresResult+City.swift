import PostgresClient
import VoucherDomain

extension PostgresResult {
    /// The city in a column.
    ///
    /// - Throws: ``PostgresError`` that names the table, where it is no city code.
    borrowing func city(_ row: Int, _ column: Int, in table: String) throws -> CityCode {
        guard let city = CityCode(rawValue: UInt32(truncatingIfNeeded: int(row, column))) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in \(table)")
        }
        return city
    }
}
