import PostgresClient
import Testing

@Suite("A database's URL for PostgreSQL's own programs")
struct EnvironmentTests {
    @Test("everything that a variable can say is said by variables, the password first of all")
    func variables() throws {
        let environment = try PostgresEnvironment(
            url: "postgresql://ann:s3%20cret@db.example:6432/registry?sslmode=verify-full&application_name=x")

        #expect(environment.text(naming: "a b") == "dbname='a b'")
        let expected = [
            "PGUSER": "ann", "PGPASSWORD": "s3 cret", "PGHOST": "db.example", "PGPORT": "6432",
            "PGDATABASE": "registry",
            "PGSSLMODE": "verify-full", "PGAPPNAME": "x",
        ]
        #expect(environment.variables.filter { expected[$0.key] != nil } == expected)
    }

    @Test("several hosts, and which of them is wanted, are said by variables")
    func severalHosts() throws {
        let environment = try PostgresEnvironment(
            url: "postgresql://ann@db1:6432,db2:6433/registry?target_session_attrs=read-write")

        #expect(environment.variables["PGHOST"] == "db1,db2")
        #expect(environment.variables["PGPORT"] == "6432,6433")
        #expect(environment.variables["PGTARGETSESSIONATTRS"] == "read-write")
    }

    @Test("what no variable can say is left for the argument")
    func rest() throws {
        let environment = try PostgresEnvironment(url: #"host=/tmp dbname=registry keepalives_idle=7 password='it\'s'"#)

        #expect(environment.text(naming: "registry") == "dbname='registry' keepalives_idle='7'")
        #expect(environment.variables["PGPASSWORD"] == "it's")
    }

    @Test("a text that is no connection is refused")
    func refused() {
        #expect(throws: PostgresError.self) { try PostgresEnvironment(url: "host") }
    }
}
