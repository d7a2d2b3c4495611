import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Hummingbird
import VoucherDomain
import WebConsole

extension NodeConsole {
    func addVouchers(to group: RouterGroup<NodeContext>) {
        group.get("vouchers") { request, _ in try await page(request) { try vouchers(request, $0) } }
    }

    /// The city's vouchers in the order of their issue. How much of one is claimed its claims say, which it leads to.
    private func vouchers(_ request: Request, _ visit: Visit) throws -> Response {
        let after = try request.number("after", default: 0, in: 0...Int64.max)
        let views = try store.vouchers(after: after, limit: NodeConsole.pageRows)
        return try pages.page(
            "vouchers", title: "vouchers", visit.frame,
            [
                "rows": views.map { row($0, visit) }, "is_empty": views.isEmpty,
                "has_next": views.count == NodeConsole.pageRows,
                "next": "/console/vouchers?after=\(views.last?.id ?? 0)",
            ])
    }

    private func row(_ view: CityStore.VoucherView, _ visit: Visit) -> [String: Any] {
        func field(_ column: String) -> String { view.fields[column] ?? "" }
        return [
            "number": view.number, "claims": "/console/claims?voucher_no=\(ConsolePages.encoded(view.number))",
            "state": text("voucher_\(view.state)", visit), "level": NodeConsole.voucherLevels[view.state] ?? "",
            "programme": field("programme"), "enterprise": field("enterprise_name"),
            "money": Money(yuan: field("face_value_yuan"))?.grouped ?? field("face_value_yuan"),
            "from": field("valid_from"), "until": field("valid_until"),
            "why": view.reasons.map { said($0.message, visit) }.joined(separator: "; "),
        ]
    }

    private static let voucherLevels = ["registered": "good", "refused": "bad", "invalid": "bad"]
}
