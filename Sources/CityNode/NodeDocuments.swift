import CityStore
import FederationWire
import Replication
import VoucherDomain

/// Where replication stands, as JSON: `GET /v1/sync` and `status --json`.
struct SyncDocument: Codable {
    let city_code: String
    let epoch: UInt32
    let log_head: UInt64
    let received_through: UInt64
    let feed_position: UInt64
    let unsent: UInt64
    let undecided: Int
    let connected: Bool
    let last_error: String?

    init(_ state: CityStore.SyncState, _ status: NodeStatus.Values) {
        city_code = state.city.description
        epoch = state.epoch.counter
        log_head = state.logHead
        received_through = state.receivedThrough
        feed_position = state.feedPosition
        unsent = state.unsent
        undecided = state.undecided
        connected = status.isConnected
        last_error = status.alarm ?? status.lastError
    }
}

/// A voucher as JSON.
struct VoucherDocument: Encodable {
    let fields: [String: String]
    let state: String

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(fields.merging(["state": state]) { _, new in new })
    }
}

/// A piece of a file: rows in order, as the command has read them.
struct ImportRequest: Codable {
    struct Row: Codable {
        let line: Int?
        let fields: [String: String]
        /// What is wrong with the row itself.
        let problems: [ImportResult.Problem]?

        init(_ row: FormRow) {
            line = row.line
            fields = row.fields
            problems = row.problems.isEmpty ? nil : row.problems.map(ImportResult.Problem.init)
        }

        var formRow: FormRow {
            FormRow(
                line: line, fields: fields,
                problems: (problems ?? []).map { FieldProblem(column: $0.column, message: $0.message) })
        }
    }

    let rows: [Row]

    static let maximumRows = 1_000
}

/// What became of one row of a file.
struct ImportResult: Codable {
    struct Problem: Codable {
        let column: String
        let message: String

        init(_ problem: FieldProblem) {
            column = problem.column
            message = problem.message
        }
    }

    let line: Int?
    let number: String
    let outcome: FilingResult.Outcome
    let problems: [Problem]
    let repairs: Int

    init(_ result: FilingResult) {
        line = result.line
        number = result.number
        outcome = result.outcome
        problems = result.problems.map(Problem.init)
        repairs = result.repairs.count
    }
}
