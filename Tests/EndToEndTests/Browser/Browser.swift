import Foundation

/// A headless Chromium with an empty profile, lent to a test and ended by its process id.
struct Browser: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let message: String
        var description: String { message }
    }

    private let process: pid_t
    private let pipe: DevToolsPipe
    private let directory: String

    /// Lends a page of a fresh browser to `body`, and ends the browser however that went.
    ///
    /// - Parameters:
    ///   - language: What the browser asks for in `Accept-Language`.
    ///   - window: The size of the page's window, in CSS pixels.
    static func with<T>(
        language: String = "zh-CN", window: (Int, Int) = (1280, 900), _ body: (BrowserPage) async throws -> T
    ) async throws -> T {
        let browser = try start(language)
        do {
            let page = try await browser.firstPage()
            try await page.setLanguage(language)
            try await page.size(window.0, window.1)
            let value = try await body(page)
            await browser.end()
            return value
        } catch {
            await browser.end()
            throw error
        }
    }

    private func firstPage() async throws -> BrowserPage {
        do {
            return try await BrowserPage.open(in: pipe)
        } catch {
            let log = FileManager.default.contents(atPath: "\(directory)/log") ?? Data()
            throw Failure(message: "the browser did not start: \(error)\n\(String(decoding: log, as: UTF8.self))")
        }
    }

    // MARK: Start

    private static func start(_ language: String) throws -> Browser {
        var template = Array("/tmp/vf-browser-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(message: "no directory in /tmp") }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            let socket = try SocketEnds()
            defer { close(socket.its) }
            do {
                let command = [try program()] + flags(language, directory)
                let process = try spawn(command, environment(directory), log: "\(directory)/log", socket.its)
                return Browser(process: process, pipe: DevToolsPipe(socket: socket.ours), directory: directory)
            } catch {
                close(socket.ours)
                throw error
            }
        } catch {
            try? FileManager.default.removeItem(atPath: directory)
            throw error
        }
    }

    private static func program() throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let paths = (folders + ["/usr/bin"]).map { (folder: String) in "\(folder)/chromium" }
        let found = paths.first { (path: String) in access(path, X_OK) == 0 }
        guard let found else { throw Failure(message: "chromium is not installed") }
        return found
    }

    private static func flags(_ language: String, _ directory: String) -> [String] {
        [
            "--remote-debugging-pipe", "--user-data-dir=\(directory)/profile", "--headless=new", "--no-startup-window",
            // Tests may run as root and in containers with little shared memory.
            "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            // The pages are served by a private authority. That its certificates are checked is tested elsewhere.
            "--ignore-certificate-errors",
            // Nothing leaves this machine.
            "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            "--password-store=basic", "--disable-features=Translate,MediaRouter,OptimizationHints",
            // What a test does counts at once, seen or unseen.
            "--allow-pre-commit-input", "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
            "--disable-backgrounding-occluded-windows", "--hide-scrollbars", "--force-color-profile=srgb",
            "--lang=\(language)", "--accept-lang=\(language)",
        ]
    }

    /// Whatever Chromium keeps outside its profile goes into the directory too.
    private static func environment(_ directory: String) -> [String] {
        var all = ProcessInfo.processInfo.environment
        for name in all.keys where name.hasPrefix("XDG_") { all[name] = nil }
        all["HOME"] = directory
        all["TMPDIR"] = directory
        return all.map { "\($0)=\($1)" }
    }

    /// Starts the program in a process group of its own, with its commands on descriptor 3 and its answers on 4.
    private static func spawn(
        _ command: [String], _ environment: [String], log: String, _ socket: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawn_file_actions_adddup2(&actions, socket, 3)
        posix_spawn_file_actions_adddup2(&actions, socket, 4)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child: pid_t = 0
        let spawned = posix_spawn(&child, command[0], &actions, &attributes, &arguments, &variables)
        guard spawned == 0 else {
            throw Failure(message: "cannot run \(command[0]): \(String(cString: strerror(spawned)))")
        }
        return child
    }

    // MARK: End

    /// Asks the browser to end, insists after ten seconds, and removes what it has written.
    ///
    /// On a thread of its own: it must also happen in a test that was cancelled.
    private func end() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                kill(process, SIGTERM)
                let deadline = ContinuousClock.now + .seconds(10)
                while !hasEnded && ContinuousClock.now < deadline { usleep(10_000) }
                // Until it is waited for its number is no one else's: neither the process's nor the group's.
                kill(-process, SIGKILL)
                while waitpid(process, nil, 0) < 0 && errno == EINTR {}
                pipe.close()
                endCrashHandlers()
                try? FileManager.default.removeItem(atPath: directory)
                continuation.resume()
            }
        }
    }

    /// The browser's crash handlers leave its group, and end when they see that it has; after two seconds we end them.
    private func endCrashHandlers() {
        let deadline = ContinuousClock.now + .seconds(2)
        while !crashHandlers.isEmpty && ContinuousClock.now < deadline { usleep(10_000) }
        for handler in crashHandlers { kill(handler, SIGKILL) }
    }

    /// The processes whose command names our directory.
    private var crashHandlers: [pid_t] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.filter { process in
            let command = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return String(decoding: command, as: UTF8.self).contains("\(directory)/")
        }
    }

    /// Whether it has ended; it stays to be waited for.
    private var hasEnded: Bool {
        var status = siginfo_t()
        return waitid(P_PID, id_t(process), &status, WEXITED | WNOHANG | WNOWAIT) != 0 || status.si_signo == SIGCHLD
    }
}

/// The two ends of a connection, which no other child inherits.
///
/// A socket and no pipe, so that a write to a browser that is gone is an error and no signal.
private struct SocketEnds {
    let ours: Int32
    let its: Int32

    init() throws {
        var both: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &both) == 0 else { throw Browser.Failure(message: "no socket") }
        ours = both[0]
        // Above the numbers that the child gets: a descriptor under its own number would not be inherited.
        its = fcntl(both[1], F_DUPFD_CLOEXEC, 10)
        close(both[1])
    }
}
