import Dispatch

/// Runs tasks on a queue of their own: whoever waits for them, as another process does, waits neither for the few threads that
/// all tests share nor for the thousands of tasks in front of them.
final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "tests.own-queue")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
