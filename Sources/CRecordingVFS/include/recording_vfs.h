#ifndef RECORDING_VFS_H
#define RECORDING_VFS_H

#include <stdint.h>

/// What a call does.
enum __attribute__((enum_extensibility(closed))) RecordingKind {
    RecordingKindCreate,
    RecordingKindWrite,
    RecordingKindTruncate,
    RecordingKindSync,
    RecordingKindDelete,
};

/// One call that changes a file of a recorded directory, or makes changes durable.
struct RecordingCall {
    enum RecordingKind kind;
    /// The file's name in its directory.
    const char *name;
    /// Where a write begins; the new size after a truncation.
    int64_t offset;
    /// What is written; valid during the call.
    const void *bytes;
    int64_t count;
    /// Whether a sync or deletion also makes the directory's own changes durable, as os_unix.c has it: the first sync
    /// of a journal or write-ahead log through a handle that may create it, and a deletion that asks for it.
    int covers_directory;
};

/// What becomes of a call.
enum __attribute__((enum_extensibility(closed))) RecordingAnswer {
    RecordingAnswerDone,
    /// EIO; nothing was done.
    RecordingAnswerDiskFailed,
    /// ENOSPC; nothing was done.
    RecordingAnswerDiskFull,
};

/// Is told of each call before it is done; one call at a time, in the order in which they are done.
typedef enum RecordingAnswer (*RecordingObserver)(void *context, const struct RecordingCall *call);

/// Begins to record what SQLite does to the files of a directory. The first use puts this VFS before the platform's for
/// the whole process; files of other directories are the platform's as before.
///
/// Syncs are recorded and not passed on: what they promise is for the observer to keep. Nothing is mapped into memory,
/// so that no write escapes; the shared memory of the write-ahead log's index is the platform's and is not recorded.
///
/// - directory: Its path, as SQLite is given it, without a slash at the end.
/// - Returns: A result code of SQLite's.
int recording_begin(const char *directory, RecordingObserver observer, void *context);

/// Ends it. Files that are still open go on unrecorded.
void recording_end(const char *directory);

#endif
